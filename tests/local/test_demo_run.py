"""How long the demo looks."""

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from local.demo import run
from local.demo.progress import View
from local.demo.snapshot import Snapshot
from tests.local.demo_snapshots import DONE, EXECUTION, sent

RUNNING = replace(DONE, executions=[replace(EXECUTION, status="RUNNING")])


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_LOOK_SECONDS", 0.01)


def watch(look: Callable[[], Snapshot], deadline_seconds: float) -> View:
    return run.watch(
        look,
        [sent()],
        Console(file=io.StringIO()),
        base_url="http://127.0.0.1:8000",
        deadline_seconds=deadline_seconds,
    )


def test_it_looks_until_nothing_is_unfinished_and_once_more() -> None:
    # What the last look finds is what counts, even if it is worse.
    last = replace(DONE, files=[])
    looks = iter([Snapshot(), RUNNING, DONE, last])
    assert watch(lambda: next(looks), 10).snapshot is last


def test_it_gives_up_at_the_deadline() -> None:
    view = watch(lambda: RUNNING, 0.1)
    assert view.snapshot is RUNNING
    assert 0.1 < view.seconds < 5
