"""Reading the label table: receipts with their labels, labels by status, and batches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from boto3.dynamodb.conditions import Key

from functions.clients.dynamodb import Item, Table
from functions.completions.batches import BatchSummary, summary_key
from functions.completions.entities import LABEL_ATTRIBUTES, Receipt, ReceiptWordLabel
from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.vocabulary import BatchStatus, BatchType, ValidationStatus
from functions.errors import InvalidItemError
from functions.metrics import Metric
from functions.observability import count, describe, logger

Model = TypeVar("Model")


@dataclass(frozen=True, kw_only=True)
class LabelledReceipt:
    """A receipt, if the table has it, with all its labels."""

    id: ReceiptId
    receipt: Receipt | None
    labels: Mapping[LabelId, ReceiptWordLabel] = field(default_factory=dict)


def labelled_receipt(table: Table, receipt: ReceiptId) -> LabelledReceipt:
    """A receipt with its labels, read consistently.

    Items that are not what they should be are reported with their keys and left out.
    """
    return _read(table, receipt, receipt.key)


def labels_of(table: Table, receipt: ReceiptId) -> LabelledReceipt:
    """The same without the receipt itself, which may be many times as large as its labels."""
    return _read(table, receipt, f"{receipt.key}#", only=LABEL_ATTRIBUTES)


def _read(
    table: Table, receipt: ReceiptId, keys_begin_with: str, only: Sequence[str] = ()
) -> LabelledReceipt:
    found: Receipt | None = None
    labels = {}
    keys = Key("PK").eq(f"IMAGE#{receipt.image_id}") & Key("SK").begins_with(keys_begin_with)
    for item in table.query(keys, only=only):
        if item["SK"] == receipt.key:
            found = readable(Receipt.from_item, item)
        elif item["SK"].startswith(f"{receipt.key}#") and (
            label := readable(ReceiptWordLabel.from_item, item)
        ):
            labels[label.id] = label
    return LabelledReceipt(id=receipt, receipt=found, labels=labels)


def labels_with_status(table: Table, status: ValidationStatus) -> Iterator[ReceiptWordLabel]:
    """Labels in a status, the oldest first, as the index has them: a moment behind the table."""
    key = Key("GSI3PK").eq(f"VALIDATION_STATUS#{status}")
    for item in table.query(key, index="GSI3"):
        if label := readable(ReceiptWordLabel.from_item, item):
            yield label


def batches_with_status(table: Table, status: BatchStatus) -> Iterator[BatchSummary]:
    """Completion batches in a status, as the index has them: a moment behind the table."""
    ours = Key("GSI1SK").begins_with(f"BATCH_TYPE#{BatchType.COMPLETION}#")
    for item in table.query(Key("GSI1PK").eq(f"STATUS#{status}") & ours, index="GSI1"):
        if summary := readable(BatchSummary.from_item, item):
            yield summary


def batch_summary(table: Table, batch_id: str) -> BatchSummary | None:
    """A batch, read consistently; None if there is none. InvalidItemError if it is broken."""
    item = table.get(summary_key(batch_id))
    return None if item is None else BatchSummary.from_item(item)


def readable(model: Callable[[Item], Model], item: Item) -> Model | None:
    """The model of an item; None, and a report with its key, if the item is not what it should be.

    One broken item must not keep the others waiting, and mending it is for a person.
    """
    try:
        return model(item)
    except InvalidItemError as error:
        count(Metric.INVALID_ITEMS)
        logger().error("an item of the label table cannot be read", extra=describe(error))
        return None
