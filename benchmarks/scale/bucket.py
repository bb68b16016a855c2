"""A rate limit in virtual time."""

from benchmarks.scale.limits import Limit


class Bucket:
    """Tokens that come evenly, of which a period's worth can be saved up; full at the start."""

    def __init__(self, limit: Limit, *, times: float = 1) -> None:
        self._per_second = limit.per_second * times
        self._most = (limit.burst or limit.number) * times
        self._tokens = self._most
        self._at = 0.0
        self.refused = 0
        """How many tokens were asked for in vain."""

    def take(self, wanted: int, now: float) -> int:
        """As many tokens as there are, at most those that are wanted."""
        self._fill(now)
        taken = min(wanted, int(self._tokens))
        self._tokens -= taken
        self.refused += wanted - taken
        return taken

    def take_all(self, wanted: int, now: float) -> bool:
        """Take all or, if there are fewer, none."""
        self._fill(now)
        if self._tokens < wanted:
            self.refused += wanted
            return False
        self._tokens -= wanted
        return True

    def wait_for(self, wanted: int, now: float) -> float:
        """Take them, and the seconds until they are there: whoever comes first is served first."""
        self._fill(now)
        self._tokens -= wanted
        return max(0.0, -self._tokens / self._per_second)

    def backlog(self, now: float) -> float:
        """The seconds until all that is promised is there."""
        self._fill(now)
        return max(0.0, -self._tokens / self._per_second)

    def _fill(self, now: float) -> None:
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._per_second)
        self._at = now
