"""Reading the label table, with items in it that are not what they should be."""

from typing import Any

import pytest

from functions.clients.dynamodb import Table
from functions.completions.batches import BatchSummary
from functions.completions.entities import ReceiptWordLabel, iso
from functions.completions.identifiers import LabelId
from functions.completions.labels import (
    batch_summary,
    batches_with_status,
    labelled_receipt,
    labels_of,
    labels_with_status,
)
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from functions.errors import InvalidItemError
from tests.functions.completions.test_entities import ID, RECEIPT, SUMMARY
from tests.functions.conftest import LogLines


def label(label_id: LabelId = ID, **changes: Any) -> ReceiptWordLabel:
    usual = {"timestamp_added": iso(1), "label_proposed_by": "somebody"}
    return ReceiptWordLabel(id=label_id, **{**usual, **changes})


def of_receipt(number: int) -> LabelId:
    return LabelId(image_id=ID.image_id, receipt_id=number, line_id=1, word_id=1, label="DATE")


def test_a_receipt_is_read_with_its_labels_and_no_other_receipts(label_table: Table) -> None:
    for entity in (RECEIPT, label(), label(ID.of_same_word("TIME")), label(of_receipt(2))):
        label_table.put(entity.to_item())

    found = labelled_receipt(label_table, ID.receipt)

    assert found.receipt == RECEIPT
    assert set(found.labels) == {ID, ID.of_same_word("TIME")}


def test_labels_are_read_without_their_receipt_which_may_be_large(
    label_table: Table, logged: LogLines
) -> None:
    label_table.put(RECEIPT.to_item() | {"lines": "unreadable"})
    for entity in (label(), label(of_receipt(2))):
        label_table.put(entity.to_item())

    found = labels_of(label_table, ID.receipt)

    assert (found.receipt, set(found.labels)) == (None, {ID})
    assert logged() == [], "the receipt is not even looked at"


def test_a_receipt_whose_number_begins_as_another_is_not_taken_for_it(label_table: Table) -> None:
    label_table.put(label(of_receipt(10_000)).to_item())
    label_table.put(label(of_receipt(100_001)).to_item())

    assert set(labelled_receipt(label_table, of_receipt(10_000).receipt).labels) == {
        of_receipt(10_000)
    }


def test_a_broken_item_is_reported_with_its_key_and_keeps_no_other_waiting(
    label_table: Table, logged: LogLines
) -> None:
    label_table.put(label().to_item() | {"label_proposed_by": 7})
    label_table.put(label(ID.of_same_word("TIME")).to_item())

    assert set(labelled_receipt(label_table, ID.receipt).labels) == {ID.of_same_word("TIME")}
    [found] = labels_with_status(label_table, ValidationStatus.NONE)

    assert found.id.label == "TIME"
    reports = [line for line in logged() if line["level"] == "ERROR"]
    assert len(reports) == 2
    assert all(ID.key["SK"] in line["detail"] for line in reports)


def test_labels_of_a_status_come_oldest_first(label_table: Table) -> None:
    for number, added in ((1, 30), (2, 10), (3, 20)):
        label_table.put(label(of_receipt(number), timestamp_added=iso(added)).to_item())
    label_table.put(label(of_receipt(4), validation_status="VALID").to_item())

    found = labels_with_status(label_table, ValidationStatus.NONE)

    assert [each.id.receipt_id for each in found] == [2, 3, 1]


def test_batches_are_found_by_their_status(label_table: Table) -> None:
    done = SUMMARY.model_copy(update={"batch_id": "b-2", "status": BatchStatus.COMPLETED})
    other = SUMMARY.model_copy(update={"batch_id": "b-3"}).to_item() | {
        "GSI1SK": "BATCH_TYPE#EMBEDDING#BATCH_ID#b-3"
    }
    for item in (SUMMARY.to_item(), done.to_item(), other):
        label_table.put(item)

    assert list(batches_with_status(label_table, BatchStatus.PENDING)) == [SUMMARY]
    assert batch_summary(label_table, "b-2") == done
    assert batch_summary(label_table, "nobody's") is None


def test_a_broken_summary_is_an_error_to_whoever_needs_it(label_table: Table) -> None:
    label_table.put(SUMMARY.to_item() | {"target_count": "many"})

    with pytest.raises(InvalidItemError, match="BATCH#b-1 STATUS is no BatchSummary"):
        batch_summary(label_table, "b-1")
    assert list(batches_with_status(label_table, BatchStatus.PENDING)) == []


def test_a_summary_with_attributes_of_another_version_is_read(label_table: Table) -> None:
    label_table.put(SUMMARY.to_item() | {"later": "addition"})

    assert isinstance(batch_summary(label_table, "b-1"), BatchSummary)
