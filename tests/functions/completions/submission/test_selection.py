"""Which labels are asked about, and in what order."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from functions.clients.dynamodb import Table
from functions.completions.labels import labels_with_status
from functions.completions.submission.prompts import Prompt
from functions.completions.submission.selection import Selection
from functions.completions.vocabulary import ValidationStatus
from tests.functions.completions.submission.submissions import (
    MODEL,
    label,
    put_all,
    receipt,
    receipt_id,
)
from tests.functions.conftest import LogLines


@contextmanager
def selecting(table: Table, go_on: Callable[[], bool] = lambda: True) -> Iterator[Selection]:
    with closing(Selection(table, model=MODEL, go_on=go_on)) as selection:
        yield selection


def taken(selection: Selection, most: int = 1000) -> list[Prompt]:
    found: list[Prompt] = []
    while len(found) < most and selection.peek():
        found.append(selection.take())
    return found


def test_the_oldest_labels_come_first_with_all_others_of_their_receipt(
    label_table: Table,
) -> None:
    put_all(label_table, [receipt(1), receipt(2), receipt(3)])
    young_of_the_first = label(1, line=2, timestamp_added=label(9).timestamp_added)
    put_all(label_table, [label(3), label(1), young_of_the_first, label(2)])

    with selecting(label_table) as selection:
        prompts = taken(selection)

    assert [prompt.request.receipt for prompt in prompts] == [receipt_id(n) for n in (1, 2, 3)]
    assert [target.line_id for target in prompts[0].request.targets] == [1, 2]


def test_only_labels_that_wait_are_asked_about(label_table: Table) -> None:
    others = [status for status in ValidationStatus if status != ValidationStatus.NONE]
    put_all(label_table, [receipt(1), receipt(2)])
    put_all(
        label_table,
        [label(1, line=4, word=1)]
        + [label(1, line=2, word=1, name=s, validation_status=s) for s in others],
    )
    put_all(label_table, [label(2, validation_status=status) for status in others[:1]])

    with selecting(label_table) as selection:
        [prompt] = taken(selection)

    assert [target.line_id for target in prompt.request.targets] == [4]


def test_the_table_is_believed_and_not_the_index_that_lags_behind(
    label_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = label(1)
    put_all(label_table, [receipt(1), stale])
    query = Table.query

    def lagging(self: Table, key: Any, *, index: str | None = None, **options: Any) -> object:
        if index is None:
            return query(self, key, **options)
        return iter([stale.to_item()])

    put_all(label_table, [label(1, validation_status=ValidationStatus.VALID)])
    monkeypatch.setattr(Table, "query", lagging)

    with selecting(label_table) as selection:
        assert taken(selection) == []


def test_what_cannot_be_asked_is_reported_and_keeps_nothing_else_waiting(
    label_table: Table, logged: LogLines
) -> None:
    put_all(label_table, [receipt(2), receipt(3), receipt(4)])
    without_item, broken = label(1), label(5)
    label_table.put(receipt(5).to_item() | {"lines": "none"})
    off_the_receipt = [label(2, line=1, word=3), label(2, line=9)]
    partly = [label(3, line=4, word=9), label(3, line=4, word=2)]
    put_all(label_table, [without_item, broken, *off_the_receipt, *partly, label(4)])

    with selecting(label_table) as selection:
        prompts = taken(selection)
        assert selection.leave(lambda: True) == 0

    assert [prompt.request.receipt for prompt in prompts] == [receipt_id(3), receipt_id(4)]
    assert [target.word_id for target in prompts[0].request.targets] == [2]
    told = {line["receipt"]: line["labels"] for line in logged() if "receipt" in line}
    assert told == {
        receipt_id(n).custom_id: labels for n, labels in ((1, 1), (5, 1), (2, 2), (3, 1))
    }
    waiting = labels_with_status(label_table, ValidationStatus.NONE)
    assert len(list(waiting)) == 7


def test_what_is_left_is_counted(label_table: Table) -> None:
    put_all(label_table, [receipt(number) for number in range(1, 61)])
    put_all(label_table, [label(n, line=line) for n in range(1, 61) for line in (1, 2)])

    with selecting(label_table) as selection:
        assert len(taken(selection, most=5)) == 5
        selection.peek()

        assert selection.leave(lambda: True) == 110
        assert selection.peek() is None


def test_counting_ends_in_time(label_table: Table) -> None:
    put_all(label_table, [label(number) for number in range(1, 61)])

    with selecting(label_table, lambda: False) as selection:
        assert selection.leave(lambda: False) <= 2


def test_selecting_ends_when_the_time_is_up(label_table: Table) -> None:
    put_all(label_table, [receipt(number) for number in range(1, 101)])
    put_all(label_table, [label(number) for number in range(1, 101)])
    left = iter([True] * 5)

    with selecting(label_table, lambda: next(left, False)) as selection:
        assert len(taken(selection)) == 6
        assert selection.leave(lambda: True) == 94


def test_no_more_is_read_ahead_than_a_little(
    label_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_all(label_table, [receipt(number) for number in range(1, 101)])
    put_all(label_table, [label(number) for number in range(1, 101)])
    reads = []
    query = Table.query

    def counting(self: Table, key: object, **more: object) -> object:
        reads.append(more.get("index"))
        return query(self, key, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Table, "query", counting)

    with selecting(label_table) as selection:
        assert selection.peek()
        assert reads.count(None) <= 40
