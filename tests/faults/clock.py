"""A clock that stands still until somebody waits: days of retries pass in no time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import tenacity
import time_machine


class Clock:
    """The time of day for everything in this process; ``time.monotonic`` goes on as ever."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._start = time.time()

    @property
    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def start_again(self) -> None:
        """Let it be as early as it was at first."""
        self._traveller.move_to(self._start, tick=False)

    def pass_by(self, seconds: float) -> None:
        """Let that much time go by at once."""
        self._traveller.shift(max(0.0, seconds))


@contextmanager
def virtual_time(start: float = 1_800_000_000) -> Iterator[Clock]:
    """While the block runs time stands still, and whoever sleeps makes it pass."""
    with (
        time_machine.travel(start, tick=False) as traveller,
        pytest.MonkeyPatch.context() as patch,
    ):
        clock = Clock(traveller)
        patch.setattr(time, "sleep", clock.pass_by)
        # It gives up after so long a time, which has to be the time that its own waits make pass.
        patch.setattr(tenacity, "time", SimpleNamespace(monotonic=time.time))
        yield clock
