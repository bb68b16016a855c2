"""So many turns a second, and no more."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.completions.projection.pace import Pace


class Time:
    """Time that passes while somebody sleeps, a little longer than was asked for."""

    def __init__(self, late: Iterator[float] | None = None) -> None:
        self.now = 1000.0
        self._late = late

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + (next(self._late) if self._late else 0.0)


def turns(pace: Pace, time: Time, count: int) -> list[float]:
    times = []
    for _ in range(count):
        pace.turn()
        times.append(time.now)
    return times


def most_in_a_second(times: list[float]) -> int:
    """The most turns that any second has, wherever it begins."""
    # Sums of floats are off by less than a nanosecond.
    return max(sum(start <= at < start + 1 - 1e-9 for at in times) for start in times)


def test_turns_are_evenly_spread() -> None:
    time = Time()
    times = turns(Pace(100, clock=time.clock, sleep=time.sleep), time, 251)

    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([0.01] * 250)
    assert most_in_a_second(times) == 100


@given(st.lists(st.floats(0, 0.5), min_size=60, max_size=60))
def test_no_second_has_too_many_turns_however_late_a_sleeper_wakes(late: list[float]) -> None:
    time = Time(iter(late))
    times = turns(Pace(10, clock=time.clock, sleep=time.sleep), time, 60)
    assert most_in_a_second(times) <= 10


def test_who_wakes_a_little_late_does_not_lower_the_rate() -> None:
    time = Time(iter([0.001] * 1000))
    times = turns(Pace(100, clock=time.clock, sleep=time.sleep), time, 1000)
    assert times[-1] - times[0] < 10.1


def test_a_rest_earns_no_more_turns_than_a_second_has() -> None:
    time = Time()
    pace = Pace(10, clock=time.clock, sleep=time.sleep)
    pace.turn()
    time.now += 60

    assert most_in_a_second(turns(pace, time, 30)) == 10


def test_threads_share_the_turns() -> None:
    time = Time()
    pace = Pace(100, clock=time.clock, sleep=time.sleep)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pace.turn(), range(101)))

    assert time.now == pytest.approx(1001)
