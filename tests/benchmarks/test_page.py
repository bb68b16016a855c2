"""The table of figures: what it says of a goal, and that it has a row for each benchmark."""

import pkgutil

import pytest

from benchmarks import page, rows
from benchmarks.row import Goal, Row, times_faster, under

FAST = Row(
    what="a job",
    baseline="one after another: 5 s",
    ours="0.5 s",
    goals=(times_faster(8, baseline=5, ours=0.5),),
)
SLOW = FAST.model_copy(update={"goals": (under(3, measured=3.456, unit="s"),)})


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (times_faster(8, baseline=8, ours=1), ("8 × faster", "8 ×", True)),
        (times_faster(8, baseline=7.99, ours=1), ("8 × faster", "7.99 ×", False)),
        (times_faster(20, baseline=50_000, ours=10), ("20 × faster", "5,000 ×", True)),
        (under(1.3, measured=1.299, unit="s"), ("under 1.3 s", "1.3 s", True)),
        (under(500, measured=500, unit="ms"), ("under 500 ms", "500 ms", False)),
    ],
)
def test_a_goal_is_reached_or_it_is_not(goal: Goal, expected: tuple[str, str, bool]) -> None:
    assert (goal.to_reach, goal.measured, goal.is_reached) == expected


def test_a_goal_that_was_missed_is_said_to_be_and_wants_an_explanation() -> None:
    assert page.cells(FAST)[3:] == ["8 × faster", "10 ×"]
    assert page.cells(SLOW)[4] == "3.46 s (no: see below)"
    assert FAST.is_explained
    assert not SLOW.is_explained
    assert not SLOW.model_copy(update={"details": "How."}).is_explained
    assert SLOW.model_copy(update={"limit": "A profile."}).is_explained


def test_figures_replace_those_that_were_there_and_nothing_else() -> None:
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    once = page.filled(text, {"job": FAST}, "a machine")
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "old" not in once
    assert "| a job | one after another: 5 s | 0.5 s | 8 × faster | 10 × |" in once
    assert page.filled(once, {"job": FAST}, "a machine") == once


def test_a_page_without_a_place_for_them_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the figures"):
        page.filled(f"{page.BEGIN} alone", {"job": FAST}, "a machine")


def test_each_benchmark_is_in_the_table_and_on_the_page() -> None:
    modules = {module.name for module in pkgutil.iter_modules(rows.__path__)}
    assert modules == set(rows.NAMES)
    text = page.PAGE.read_text(encoding="utf-8")
    assert [name for name in rows.NAMES if f"`benchmarks/rows/{name}.py`" not in text] == []
