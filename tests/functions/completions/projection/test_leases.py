"""One worker at a time."""

from typing import Any

import pytest

from functions.clients.dynamodb import Table
from functions.completions.projection.leases import lease
from functions.errors import AwsUnavailableError, LeaseHeldError
from tests.functions.conftest import LogLines

NOW = 1_800_000_000.0
KEY = {"PK": "LEASE", "SK": "PROJECTION"}


def hold(table: Table, *, now: float = NOW, seconds: float = 60, name: str = "PROJECTION") -> Any:
    return lease(table, name, until=now + seconds, clock=lambda: now)


def test_a_lease_is_one_workers_until_it_is_given_back(label_table: Table) -> None:
    with hold(label_table):
        with pytest.raises(LeaseHeldError, match="PROJECTION"), hold(label_table):
            pytest.fail("two workers hold it")
        with pytest.raises(LeaseHeldError), hold(label_table):
            pytest.fail("who was refused has given it back")
    with hold(label_table):
        pass
    assert label_table.get(KEY) is None


def test_leases_of_other_names_are_apart(label_table: Table) -> None:
    with hold(label_table), hold(label_table, name="ANOTHER"):
        pass


def test_a_worker_that_fails_gives_it_back(label_table: Table) -> None:
    with pytest.raises(ZeroDivisionError), hold(label_table):
        _ = 1 / 0
    with hold(label_table):
        pass


@pytest.mark.parametrize(("later", "free"), [(59.9, False), (60.5, True), (61, True)])
def test_a_lease_that_nobody_gave_back_ends_by_itself(
    label_table: Table, later: float, *, free: bool
) -> None:
    of_one_that_dies = hold(label_table, seconds=59.5)
    of_one_that_dies.__enter__()

    if free:
        with hold(label_table, now=NOW + later):
            pass
    else:
        with pytest.raises(LeaseHeldError), hold(label_table, now=NOW + later):
            pass


def test_who_outlived_the_lease_leaves_the_next_ones_alone(label_table: Table) -> None:
    with hold(label_table, seconds=60):
        next_one = hold(label_table, now=NOW + 61)
        next_one.__enter__()
    with pytest.raises(LeaseHeldError), hold(label_table, now=NOW + 61):
        pass


class ForgetfulTable(Table):
    """A table whose first put is answered so late that it is sent again."""

    def put(self, item: Any, *, when: Any = None) -> bool:
        assert super().put(item, when=when)
        return super().put(item, when=when)


def test_a_put_that_is_sent_twice_is_one(label_table: Table) -> None:
    with hold(ForgetfulTable(label_table._client, label_table.name)):
        pass


class StuckTable(Table):
    """A table that deletes nothing."""

    def delete(self, *_key: Any, **_when: Any) -> bool:
        raise AwsUnavailableError("not now")


def test_a_lease_that_cannot_be_given_back_fails_nothing_that_was_done(
    label_table: Table, logged: LogLines
) -> None:
    stuck = StuckTable(label_table._client, label_table.name)
    with hold(stuck):
        pass
    with pytest.raises(ZeroDivisionError), hold(stuck, now=NOW + 61):
        _ = 1 / 0
    assert [line["lease"] for line in logged()] == ["PROJECTION"] * 2
