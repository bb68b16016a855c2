"""A row of the table: what was measured, against what, and whether that is enough."""

import time
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Goal(BaseModel):
    """A figure to be reached, and the one that was."""

    model_config = ConfigDict(frozen=True)

    to_reach: str
    measured: str
    is_reached: bool


class Row(BaseModel):
    """One benchmark's result, in words that stand in a table."""

    model_config = ConfigDict(frozen=True)

    what: str
    baseline: str
    """What people do today, and its figure in this run."""
    ours: str
    goals: tuple[Goal, ...] = ()
    """None where a figure is only stated."""
    details: str = ""
    """Markdown below the table: how it was measured, and where the time or the money goes."""
    limit: str = ""
    """Markdown, where a goal may not be reached: why, with a profile."""

    @property
    def is_explained(self) -> bool:
        """Whether every goal is reached, or it is said what the limit is."""
        return bool(self.limit) or all(goal.is_reached for goal in self.goals)


def times_faster(goal: float, *, baseline: float, ours: float) -> Goal:
    """The baseline's time, in whatever unit, is at least ``goal`` times ours."""
    ratio = baseline / ours
    return Goal(
        to_reach=f"{goal:g} × faster", measured=f"{_round(ratio)} ×", is_reached=ratio >= goal
    )


def under(goal: float, *, measured: float, unit: str) -> Goal:
    """The figure is below ``goal``; ``unit`` follows both."""
    return Goal(
        to_reach=f"under {goal:g} {unit}",
        measured=f"{_round(measured)} {unit}",
        is_reached=measured < goal,
    )


def seconds(run: Callable[[], T]) -> tuple[float, T]:
    """The wall-clock time of one run, and what it returned."""
    start = time.perf_counter()
    returned = run()
    return time.perf_counter() - start, returned


def fastest(run: Callable[[], object], *, times: int) -> float:
    """The wall-clock seconds of the fastest of several runs: the one least disturbed."""
    return min(seconds(run)[0] for _ in range(times))


def _round(number: float) -> str:
    """With three significant digits."""
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"
