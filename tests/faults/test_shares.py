"""What ``make faults`` does for a quarter of an hour, in a few seconds."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from tests.faults import shares
from tests.faults.scenarios import SCENARIOS
from tests.faults.schedule import Case, cases
from tests.faults.seam import Point

pytestmark = pytest.mark.faults


def test_each_case_is_played_once_by_one_of_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Case] = []

    def few(found: Sequence[Point]) -> list[Case]:
        chosen.extend(cases(found)[:5])
        return chosen

    monkeypatch.setattr(shares, "SCENARIOS", SCENARIOS[:1])
    monkeypatch.setattr(shares, "cases", few)
    told = io.StringIO()

    found = shares.play_all(Console(file=told, width=200))

    assert len(chosen) == 5
    assert sorted(outcome.case for outcome in found) == sorted(chosen)
    assert [outcome.problem for outcome in found] == [""] * 5
    assert told.getvalue().startswith(f"{SCENARIOS[0].name}: ")
    assert "5 cases: 5 survived, 0 did not" in told.getvalue()
