"""What was asked of the stand-in, for tests that count."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, overload


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request and its end. ``started`` and ``ended`` are of the monotonic clock, in seconds.

    ``status`` is None where the connection was dropped. ``operation`` is ``unknown`` where the URL
    belongs to none.
    """

    operation: str
    method: str
    path: str
    status: int | None
    request_id: str
    started: float
    ended: float
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


class CallLog(Sequence[Call]):
    """Every call in the order they ended; it may be read while the stand-in runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: list[Call] = []

    def record(self, call: Call) -> None:
        """Add a call that has ended."""
        with self._lock:
            self._calls.append(call)

    def of(self, operation: str) -> list[Call]:
        """The calls of one operation."""
        return [call for call in self if call.operation == operation]

    def count(self, operation: str, *, status: int | None = None) -> int:
        """How many calls of ``operation`` there were, or how many of them ended with ``status``."""
        return sum(status is None or call.status == status for call in self.of(operation))

    def clear(self) -> None:
        """Forget every call so far."""
        with self._lock:
            self._calls.clear()

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(list(self._calls))

    def __len__(self) -> int:
        with self._lock:
            return len(self._calls)

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | Sequence[Call]:
        with self._lock:
            return self._calls[index]
