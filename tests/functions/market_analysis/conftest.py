"""The analyses table, and workers at it."""

from collections.abc import Callable

import pytest

from functions.clients.dynamodb import Table
from functions.market_analysis.analyses import Analyses
from tests.functions.conftest import MakeTable

LEASE_SECONDS = 300

Hire = Callable[..., Analyses]


class Clock:
    """A clock that stands still until it is told the time."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("analyses")


@pytest.fixture
def hire(table: Table, clock: Clock) -> Hire:
    """A worker of that name whose lease ends five minutes from now."""

    def worker(owner: str, of: Table = table) -> Analyses:
        lease_until = int(clock.now) + LEASE_SECONDS
        return Analyses(of, owner=owner, lease_until=lease_until, clock=clock)

    return worker
