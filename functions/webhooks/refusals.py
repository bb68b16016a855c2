"""Why a webhook is not taken."""

from enum import StrEnum


class Refusal(StrEnum):
    """In one word, for the log; whoever sent it gets the status alone."""

    NO_POST = "no-post"
    TOO_LARGE = "too-large"
    UNSIGNED = "unsigned"
    STALE = "stale"
    FORGED = "forged"
    MALFORMED = "malformed"
    NOT_READY = "not-ready"
    """OpenAI's signing secret is not there yet."""

    @property
    def status(self) -> int:
        """Of HTTP. OpenAI delivers again, for three days, whatever is no success."""
        return _STATUSES[self]


class RefusedError(Exception):
    """A webhook is not taken, and nothing was done; it does not leave this folder."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


_STATUSES = {
    Refusal.NO_POST: 405,
    Refusal.TOO_LARGE: 413,
    Refusal.UNSIGNED: 400,
    Refusal.STALE: 401,
    Refusal.FORGED: 401,
    Refusal.MALFORMED: 400,
    # Whoever sent it did nothing wrong.
    Refusal.NOT_READY: 503,
}
