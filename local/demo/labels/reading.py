"""The label table at one moment, and what of it a person wants to know."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.conditions import Key

from functions.clients.dynamodb import Item
from functions.completions.batches import BatchSummary, CompletionBatchResult
from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import LabelId, WordId
from functions.completions.projection.metadata import word_metadata
from functions.completions.vocabulary import BatchStatus, ValidationStatus

_UNDER_WAY = frozenset({BatchStatus.SUBMITTING, BatchStatus.PENDING})


@dataclass(frozen=True, kw_only=True)
class LabelSnapshot:
    """Everything in the label table."""

    labels: Mapping[LabelId, ReceiptWordLabel] = field(default_factory=dict)
    batches: Sequence[BatchSummary] = ()
    """In the order of their submission."""
    results: Sequence[CompletionBatchResult] = ()

    @property
    def statuses(self) -> dict[str, int]:
        """How many labels there are in each status."""
        counts = Counter(label.validation_status for label in self.labels.values())
        return {status.value: counts[status] for status in ValidationStatus}

    @property
    def under_way(self) -> int:
        """How many batches have not ended."""
        return sum(batch.status in _UNDER_WAY for batch in self.batches)

    def corrections(self, batch_id: str) -> list[ReceiptWordLabel]:
        """The labels that were proposed in the place of some that a batch rejected."""
        return [
            label
            for label in self.labels.values()
            if label.label_consolidated_from
            and self.labels[label.id.of_same_word(label.label_consolidated_from)].batch_id
            == batch_id
        ]

    def metadata(self) -> dict[WordId, dict[str, Any]]:
        """What the vector of each labelled word should show."""
        words: dict[WordId, list[ReceiptWordLabel]] = {}
        for label in self.labels.values():
            words.setdefault(label.id.word, []).append(label)
        return {word: dict(word_metadata(labels)) for word, labels in words.items()}


def read_label_table(dynamodb: Any, table: str) -> LabelSnapshot:
    """Scan the table with a resource's client, which gives plain Python values."""
    items = [
        item
        for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        for item in page["Items"]
    ]
    labels = [ReceiptWordLabel.from_item(item) for item in _of("RECEIPT_WORD_LABEL", items)]
    batches = [BatchSummary.from_item(item) for item in _of("BATCH_SUMMARY", items)]
    return LabelSnapshot(
        labels={label.id: label for label in labels},
        batches=sorted(batches, key=lambda batch: batch.submitted_at),
        results=[CompletionBatchResult.from_item(i) for i in _of("COMPLETION_BATCH_RESULT", items)],
    )


def batches_under_way(dynamodb: Any, table: str) -> int:
    """How many batches have not ended, without reading everything else."""
    return sum(
        dynamodb.query(
            TableName=table,
            IndexName="GSI1",
            KeyConditionExpression=Key("GSI1PK").eq(f"STATUS#{status}"),
            Select="COUNT",
        )["Count"]
        for status in _UNDER_WAY
    )


def _of(kind: str, items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.get("TYPE") == kind]
