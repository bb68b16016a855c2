"""Marks: which labels' words Pinecone does not show as they are.

A mark is set in the transaction that changes its label, with a new version each time. It is
removed, or given another kind, only where its version is still the one that was read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from functions.clients.dynamodb import Item, Table, Update
from functions.completions.entities import (
    MARK_SHARDS,
    UNMARK,
    UNPROJECTED,
    ReceiptWordLabel,
)
from functions.completions.identifiers import LabelId, ReceiptId, WordId
from functions.completions.labels import labels_of, readable
from functions.errors import InvalidItemError
from functions.items import key_of


@dataclass(frozen=True, kw_only=True)
class MarkedWord:
    """A word with all its labels, of which at least one is marked."""

    id: WordId
    labels: Sequence[ReceiptWordLabel]

    @property
    def marked(self) -> list[ReceiptWordLabel]:
        """Those of its labels that are marked."""
        return [label for label in self.labels if label.projection]


class MarkedWords:
    """The words that are to be projected, to one worker that tries each mark once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._tried: set[tuple[str, ...]] = set()

    def untried(self) -> Iterator[MarkedWord]:
        """The words of a fresh listing with a mark that was in none before; each comes once."""
        marks = (mark for item in self._untried_items() if (mark := readable(_label_id, item)))
        # The marks of a receipt are neighbours.
        for receipt, of_receipt in groupby(marks, key=lambda mark: mark.receipt):
            words = sorted({mark.word for mark in of_receipt})
            labels = self._labels_by_word(receipt)
            for id_ in words:
                word = MarkedWord(id=id_, labels=labels.get(id_, ()))
                # The index follows the table: the mark that it shows may have gone.
                if word.marked:
                    yield word

    def _untried_items(self) -> Iterator[Item]:
        for item in marked_items(self._table, UNPROJECTED, only=("PK", "SK", "projection")):
            # As a text, as what is no version may be anything.
            mark = (item["PK"], item["SK"], str(item.get("projection", "")))
            if mark not in self._tried:
                self._tried.add(mark)
                yield item

    def _labels_by_word(self, receipt: ReceiptId) -> dict[WordId, list[ReceiptWordLabel]]:
        labels: dict[WordId, list[ReceiptWordLabel]] = {}
        for id_, label in labels_of(self._table, receipt).labels.items():
            labels.setdefault(id_.word, []).append(label)
        return labels


def marked_items(
    table: Table, kind: str, *, only: Sequence[str] = (), page_size: int | None = None
) -> Iterator[Item]:
    """The labels with a mark of a kind, in the order of their names within a shard."""
    for shard in range(MARK_SHARDS):
        key = Key("GSI2PK").eq(f"{kind}#{shard}")
        yield from table.query(key, index="GSI2", only=only, page_size=page_size)


def with_kind(label: ReceiptWordLabel, kind: str) -> Update:
    """Give a label's mark another kind, unless the label has changed since it was read."""
    changes = label.mark(str(label.projection), kind)
    return Update(key=label.id.key, changes=changes, when=_unchanged(label))


def without_mark(label: ReceiptWordLabel) -> Update:
    """Remove a label's mark, unless the label has changed since it was read."""
    return Update(key=label.id.key, remove=UNMARK, when=_unchanged(label))


def _label_id(item: Item) -> LabelId:
    if "projection" not in item:
        raise InvalidItemError(f"{key_of(item)} is marked without a version")
    return LabelId.of_key(item["PK"], item["SK"])


def _unchanged(label: ReceiptWordLabel) -> ConditionBase:
    return Attr("projection").eq(label.projection)
