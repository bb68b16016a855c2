"""A label is held by one batch at most."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.clients.dynamodb import Action, Table
from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import LabelId
from functions.completions.labels import labels_with_status
from functions.completions.submission import claims
from functions.completions.vocabulary import ValidationStatus
from tests.functions.completions.submission.submissions import label, put_all

NONE, PENDING = ValidationStatus.NONE, ValidationStatus.PENDING


def put(table: Table, *labels: ReceiptWordLabel) -> list[LabelId]:
    put_all(table, labels)
    return [each.id for each in labels]


def stored(table: Table, label_id: LabelId) -> ReceiptWordLabel:
    item = table.get(label_id.key)
    assert item
    return ReceiptWordLabel.from_item(item)


def test_labels_that_wait_are_claimed_and_change_in_nothing_else(label_table: Table) -> None:
    [first] = put(label_table, waiting := label(attempts=2, reasoning="a guess"))

    assert claims.claim(label_table, [first], "batch-1") == set()

    claimed = {"validation_status": PENDING, "batch_id": "batch-1"}
    assert stored(label_table, first) == waiting.model_copy(update=claimed)
    assert list(labels_with_status(label_table, NONE)) == []
    assert [each.id for each in labels_with_status(label_table, PENDING)] == [first]


@pytest.mark.parametrize("status", [status for status in ValidationStatus if status != NONE])
def test_a_label_that_does_not_wait_is_left_alone(
    label_table: Table, status: ValidationStatus
) -> None:
    taken = label(validation_status=status, batch_id="batch-0")
    first, second = put(label_table, taken, label(word=2))

    assert claims.claim(label_table, [first, second], "batch-1") == {first}

    assert stored(label_table, first) == taken
    assert stored(label_table, second).batch_id == "batch-1"


def test_a_label_that_is_no_more_is_not_made(label_table: Table) -> None:
    gone = label().id

    assert claims.claim(label_table, [gone], "batch-1") == {gone}
    assert claims.release(label_table, [gone], "batch-1") == 0
    assert label_table.get(gone.key) is None


def test_what_is_released_waits_again_with_its_attempts(label_table: Table) -> None:
    labels = put(label_table, *[label(word=n, attempts=n) for n in range(1, 4)])
    claims.claim(label_table, labels, "batch-1")

    assert claims.release(label_table, labels, "batch-1") == 3
    assert claims.release(label_table, labels, "batch-1") == 0

    waiting = list(labels_with_status(label_table, NONE))
    assert [(each.attempts, each.batch_id) for each in waiting] == [(1, None), (2, None), (3, None)]


def test_only_what_the_batch_holds_is_released(label_table: Table) -> None:
    labels = put(
        label_table,
        label(word=1, validation_status=PENDING, batch_id="batch-2"),
        label(word=2, validation_status=PENDING),
        label(word=3, validation_status=ValidationStatus.VALID, batch_id="batch-1"),
        label(word=4, validation_status=PENDING, batch_id="batch-1"),
    )

    assert claims.release(label_table, labels, "batch-1") == 1
    assert [each.id for each in labels_with_status(label_table, NONE)] == [labels[3]]
    assert claims.release(label_table, labels, None) == 1
    assert [each.id.word_id for each in labels_with_status(label_table, NONE)] == [2, 4]


def test_of_batches_that_claim_at_once_each_label_gets_one(label_table: Table) -> None:
    labels = put(label_table, *[label(number) for number in range(1, 121)])
    together = threading.Barrier(3)

    def claim(batch: int) -> set[LabelId]:
        together.wait(10)
        # Each begins elsewhere, so that none gets all.
        begin = batch * 40
        return claims.claim(label_table, labels[begin:] + labels[:begin], f"batch-{batch}")

    with ThreadPoolExecutor(3) as pool:
        refused = list(pool.map(claim, range(3)))

    held = list(labels_with_status(label_table, PENDING))
    for batch, others in enumerate(refused):
        got = {each.id for each in held if each.batch_id == f"batch-{batch}"}
        assert got == set(labels) - others
    assert not list(labels_with_status(label_table, NONE))


def test_many_labels_take_few_calls(label_table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = put(label_table, *[label(number) for number in range(1, 202)])
    put(label_table, label(150, validation_status=ValidationStatus.VALID))
    calls = []
    write_all = Table.write_all

    def counted(self: Table, actions: Sequence[Action]) -> frozenset[int]:
        calls.append(len(actions))
        return write_all(self, actions)

    monkeypatch.setattr(Table, "write_all", counted)

    assert claims.claim(label_table, labels, "batch-1") == {labels[149]}

    # The hundred with the label that was not to be had takes a second call.
    assert sorted(calls) == [1, 99, 100, 100]
