"""The ``DownloadQueue`` in virtual time. Nobody sees a message that waits, so it costs nothing."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from functions.clients.sqs import Queue


@dataclass(slots=True)
class Message:
    """One document that is asked for."""

    number: int
    sent_at: float
    receives: int = 0
    is_uploaded: bool = False


class DocumentQueue:
    """Messages that come evenly, ``per_second``, beside those that were given back."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._received = 0
        self._hidden: list[tuple[float, int, Sequence[Message]]] = []
        self._visible: deque[Message] = deque()

    def arrived(self, now: float) -> int:
        """How many came until now; the first comes at once."""
        return int(now * self._per_second) + 1

    def due(self, now: float, *, size: int, window: float) -> float:
        """When the next invocation begins: it has so many messages, or has waited so long."""
        self._show(now)
        if len(self._visible) + self.arrived(now) - self._received >= size:
            return now
        first = self._received / self._per_second
        full = (self._received + size - 1 - len(self._visible)) / self._per_second
        if self._visible:
            first = now
        elif self._hidden:
            first = min(first, self._hidden[0][0])
        return max(now, min(full, first + window))

    def take(self, size: int, now: float) -> list[Message]:
        """At most so many messages, those that come again first."""
        self._show(now)
        again = [self._visible.popleft() for _ in range(min(size, len(self._visible)))]
        end = min(self._received + size - len(again), self.arrived(now))
        fresh = [Message(n, n / self._per_second) for n in range(self._received, end)]
        self._received = end
        for message in (*again, *fresh):
            message.receives += 1
        return [*again, *fresh]

    def give_back(self, messages: Sequence[Message], visible_at: float) -> None:
        """Let some messages come again at that time."""
        heappush(self._hidden, (visible_at, messages[0].number, messages))

    def waiting(self, now: float) -> int:
        """How many are in no worker's hands."""
        hidden = sum(len(messages) for _, _, messages in self._hidden)
        return self.arrived(now) - self._received + hidden + len(self._visible)

    def oldest(self, now: float) -> float:
        """When the oldest of them was sent; now, if there is none."""
        given_back = [self._visible, *(messages for _, _, messages in self._hidden)]
        fresh = self._received / self._per_second
        return min([now, fresh, *(message.sent_at for some in given_back for message in some)])

    def _show(self, now: float) -> None:
        while self._hidden and self._hidden[0][0] <= now:
            self._visible.extend(heappop(self._hidden)[2])


def retry_delays(*, first: int, receives: int) -> Iterator[int]:
    """The seconds until a message comes again, after each of its failures."""
    client = _Visibility()
    queue = Queue(client, "", retry_delay_seconds=first)  # type: ignore[arg-type]
    for receive in range(1, receives + 1):
        queue.retry_later("", receive)
        yield client.seconds


class _Visibility:
    """SQS, as far as it is told when a message comes again."""

    seconds = 0

    def change_message_visibility(self, **arguments: Any) -> None:
        self.seconds = arguments["VisibilityTimeout"]
