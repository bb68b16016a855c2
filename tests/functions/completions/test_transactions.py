"""Many units in few calls: each unit whole or not at all."""

from collections.abc import Iterable, Sequence
from typing import cast

import pytest
from boto3.dynamodb.conditions import Attr
from hypothesis import given
from hypothesis import strategies as st

from functions.clients.dynamodb import MOST_ACTIONS, Action, Put, Table
from functions.completions.transactions import write_units
from functions.errors import AwsUnavailableError
from tests.functions.completions.judgement.answered_batches import items


def unit(name: str, size: int) -> list[Action]:
    """Puts of as many items."""
    new = Attr("PK").not_exists()
    return [Put(item={"PK": name, "SK": f"{n:03d}"}, when=new) for n in range(size)]


class ListOfCalls:
    """A table that keeps its keys and how many actions each call had."""

    def __init__(self, there: Iterable[tuple[str, str]] = ()) -> None:
        self.there = {*there}
        self.calls: list[int] = []

    def write_all(self, actions: Sequence[Action]) -> frozenset[int]:
        keys = [(put.item["PK"], put.item["SK"]) for put in actions if isinstance(put, Put)]
        assert 0 < len(keys) <= MOST_ACTIONS
        assert len(keys) == len({*keys})
        self.calls.append(len(keys))
        refused = frozenset(n for n, key in enumerate(keys) if key in self.there)
        if not refused:
            self.there |= {*keys}
        return refused


def test_calls_are_as_full_as_can_be() -> None:
    table = ListOfCalls()

    assert write_units(cast("Table", table), [unit(f"{n}", 3) for n in range(100)]) == {}

    assert sorted(table.calls) == [3, 99, 99, 99]


def test_nothing_to_write_is_no_call() -> None:
    table = ListOfCalls()

    assert write_units(cast("Table", table), []) == {}

    assert table.calls == []


def test_a_unit_is_refused_alone_and_whole(label_table: Table) -> None:
    label_table.put({"PK": "1", "SK": "001", "first": True})
    units = [unit(f"{n}", 3) for n in range(3)]

    refused = write_units(label_table, units)

    assert refused == {1: [units[1][1]]}
    assert [(item["PK"], item["SK"]) for item in items(label_table)] == [
        *(("0", f"00{n}") for n in range(3)),
        ("1", "001"),
        *(("2", f"00{n}") for n in range(3)),
    ]


def test_an_error_is_not_swallowed() -> None:
    class Down:
        def write_all(self, _actions: Sequence[Action]) -> frozenset[int]:
            raise AwsUnavailableError("down")

    with pytest.raises(AwsUnavailableError):
        write_units(cast("Table", Down()), [unit("0", 1)])


@given(
    sizes=st.lists(st.integers(1, MOST_ACTIONS), max_size=30),
    there=st.sets(st.tuples(st.integers(0, 29), st.integers(0, 99)), max_size=20),
)
def test_each_unit_is_written_or_refused(sizes: list[int], there: set[tuple[int, int]]) -> None:
    taken = {(f"{name}", f"{n:03d}") for name, n in there}
    table = ListOfCalls(taken)

    refused = write_units(
        cast("Table", table), [unit(f"{name}", size) for name, size in enumerate(sizes)]
    )

    for name, size in enumerate(sizes):
        keys = {(f"{name}", f"{n:03d}") for n in range(size)}
        assert (name in refused) == bool(keys & taken)
        assert (keys <= table.there) == (name not in refused or keys <= taken)
        assert len(refused.get(name, [])) == len(keys & taken)
