"""Words in the label table and in Pinecone, and a projection between the two."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key

from functions.clients.dynamodb import MOST_ACTIONS, Item, Put, Table
from functions.clients.pinecone import VectorIndex
from functions.clients.secrets import Secret
from functions.completions.entities import (
    MARK_SHARDS,
    UNPROJECTED,
    VECTOR_MISSING,
    ReceiptWordLabel,
    iso,
)
from functions.completions.identifiers import LabelId, WordId
from functions.completions.projection.pace import Pace
from functions.completions.projection.projecting import Projected, project
from functions.completions.vocabulary import ValidationStatus
from local.standins.pinecone import PineconeStandIn
from tests.pinecone_sdk import all_attempts, open_index

IMAGE = "77d54558-60e9-588f-b59d-b48ccb1181d8"
NAMESPACE = "words"
PINECONE_KEY = "pcsk_0123456789abcdefghijklmnop"


def word(number: int = 1, *, receipt: int = 1, image: str = IMAGE) -> WordId:
    return WordId(image_id=image, receipt_id=receipt, line_id=1, word_id=number)


def label(
    of: WordId | None = None,
    name: str = "DATE",
    status: ValidationStatus = ValidationStatus.VALID,
    *,
    version: str | None = "b-1",
    added: float = 1,
) -> ReceiptWordLabel:
    """A label that is marked, unless it has no version."""
    of = of or word()
    return ReceiptWordLabel(
        id=LabelId(
            image_id=of.image_id,
            receipt_id=of.receipt_id,
            line_id=of.line_id,
            word_id=of.word_id,
            label=name,
        ),
        validation_status=status,
        timestamp_added=iso(added),
        label_proposed_by="somebody",
        projection=version,
    )


@dataclass(frozen=True, kw_only=True)
class Words:
    """The label table, and a Pinecone with the key ``PINECONE_KEY``."""

    table: Table
    pinecone: PineconeStandIn
    index: VectorIndex

    def add_labels(self, *labels: ReceiptWordLabel) -> None:
        for start in range(0, len(labels), MOST_ACTIONS):
            chunk = labels[start : start + MOST_ACTIONS]
            self.table.write_all([Put(item=each.to_item()) for each in chunk])

    def add_vectors(self, words: Iterable[WordId]) -> None:
        with open_index(self.pinecone.host, PINECONE_KEY) as index:
            index.upsert(
                vectors=[(each.vector_id, [1.0], {"text": "x"}) for each in words],
                namespace=NAMESPACE,
            )

    def add(self, *labels: ReceiptWordLabel) -> None:
        """Labels, and vectors of their words."""
        self.add_labels(*labels)
        self.add_vectors({each.id.word for each in labels})

    def metadata(self, of: WordId | None = None) -> Mapping[str, Any]:
        return self.pinecone.vectors(NAMESPACE)[(of or word()).vector_id].metadata

    def marks(self, kind: str = UNPROJECTED) -> set[str]:
        """The names of the labels with a mark of that kind."""
        return {
            item["GSI2SK"]
            for shard in range(MARK_SHARDS)
            for item in self.table.query(Key("GSI2PK").eq(f"{kind}#{shard}"), index="GSI2")
        }

    def missing(self) -> set[str]:
        return self.marks(VECTOR_MISSING)

    def project(
        self,
        *,
        table: Table | None = None,
        index: VectorIndex | None = None,
        pace: Pace | None = None,
        seconds: float = 300,
        clock: Callable[[], float] = time.time,
    ) -> Projected:
        return project(
            table or self.table,
            index or self.index,
            deadline=clock() + seconds,
            pace=pace or Pace(10_000),
            clock=clock,
        )


class HookedIndex(VectorIndex):
    """The index of ``words``, with something that happens before and after each write."""

    def __init__(
        self,
        words: Words,
        *,
        before: Callable[[str], None] = lambda _: None,
        after: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._words = words
        self._before = before
        self._after = after

    def existing(self, ids: Any) -> set[str]:
        return self._words.index.existing(ids)

    def set_metadata(self, vector_id: str, metadata: Mapping[str, object]) -> None:
        self._before(vector_id)
        self._words.index.set_metadata(vector_id, metadata)
        self._after(vector_id)


@contextmanager
def words_in(table: Table) -> Iterator[Words]:
    """A Pinecone beside the table, with its key in Secrets Manager as ``pinecone-key``."""
    boto3.client("secretsmanager").create_secret(Name="pinecone-key", SecretString=PINECONE_KEY)
    with all_attempts(), PineconeStandIn(api_keys=[PINECONE_KEY]) as pinecone:
        index = VectorIndex(
            Secret("pinecone-key"), host=pinecone.host, namespace=NAMESPACE, timeout_seconds=10
        )
        yield Words(table=table, pinecone=pinecone, index=index)
        index.close()


def once(action: Callable[[], object]) -> Callable[[str], None]:
    """A hook that does it the first time."""
    left, lock = [action], threading.Lock()

    def hook(_: str) -> None:
        with lock:
            now = left.pop() if left else None
        if now:
            now()

    return hook


class LaggingTable(Table):
    """The table of ``words``, whose indexes still show these items at the first look."""

    def __init__(self, words: Words, items: Sequence[Item]) -> None:
        super().__init__(words.table._client, words.table.name)
        self._items = list(items)

    def query(self, key: Any, *, index: str | None = None, **options: Any) -> Iterator[Item]:
        if index is not None:
            while self._items:
                yield self._items.pop(0)
        yield from super().query(key, index=index, **options)
