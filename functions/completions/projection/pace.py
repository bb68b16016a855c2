"""Doing a thing so many times a second, and no more."""

import math
import time
from collections import deque
from collections.abc import Callable
from threading import Lock


class Pace:
    """Turns, evenly spread, of which no second has more than ``per_second``; for all threads.

    ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        per_second: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._due = -math.inf
        self._last_turns = deque([-math.inf] * per_second, maxlen=per_second)

    def turn(self) -> None:
        """Wait for the next turn."""
        with self._lock:
            # A turn that came late leaves the next one where it was, so that the rate is kept: but
            # never less than a second after the turn that many before it.
            self._due = max(self._due + self._interval, self._clock(), self._last_turns[0] + 1)
            if (wait := self._due - self._clock()) > 0:
                self._sleep(wait)
            self._last_turns.append(self._clock())
