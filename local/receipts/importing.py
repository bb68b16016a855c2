"""Puts receipts and labels into the label table, and their words' vectors into Pinecone."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Attr

from functions.clients.dynamodb import Put, Table
from functions.completions.entities import Receipt, ReceiptWordLabel, iso
from functions.completions.identifiers import LabelId, WordId
from functions.completions.projection.metadata import word_metadata
from functions.completions.transactions import write_each
from local.receipts.files import ReceiptsError

PROPOSED_BY = "IMPORT"
_IDS_A_FETCH = 100
# With 1,536 dimensions, as many as stay below the two megabytes of a request.
_VECTORS_A_REQUEST = 50
_USUAL_DIMENSION = 8


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What is there now, and how much of it is new."""

    receipts: int
    labels: int
    new_labels: int
    new_vectors: int


def import_receipts(
    receipts: Sequence[Receipt],
    labels: Sequence[LabelId],
    *,
    table: Table,
    index: Any,
    namespace: str,
    clock: Callable[[], float],
) -> Imported:
    """Write what is not there yet: importing again changes no label and no vector.

    ``index`` is the SDK's, or None where there is no Pinecone. ReceiptsError if it refuses vectors.
    """
    write_each(table, (Put(item=receipt.to_item()) for receipt in receipts))
    added = iso(clock())
    proposed = [
        ReceiptWordLabel(id=label, timestamp_added=added, label_proposed_by=PROPOSED_BY)
        for label in labels
    ]
    words = {word: text for receipt in receipts for word, text in _words(receipt)}
    there = set(words) if index is None else _with_vector(words, index, namespace)
    # Vectors first: a label that can be judged has a vector to show it.
    vectors = [word for word in words if word not in there]
    if vectors:
        _add_vectors({word: words[word] for word in vectors}, proposed, index, namespace)
    # A vector that was there before shows its word's new labels only when it is written again.
    items = [
        label.model_copy(update={"projection": PROPOSED_BY})
        if index is not None and label.id.word in there
        else label
        for label in proposed
    ]
    new = (Put(item=label.to_item(), when=Attr("PK").not_exists()) for label in items)
    return Imported(
        receipts=len(receipts),
        labels=len(labels),
        new_labels=write_each(table, new),
        new_vectors=len(vectors),
    )


def _with_vector(words: Mapping[WordId, str], index: Any, namespace: str) -> set[WordId]:
    by_id = {word.vector_id: word for word in words}
    ids = list(by_id)
    there: set[WordId] = set()
    for start in range(0, len(ids), _IDS_A_FETCH):
        found = index.fetch(ids=ids[start : start + _IDS_A_FETCH], namespace=namespace)
        there.update(by_id[id_] for id_ in found.vectors)
    return there


def _add_vectors(
    words: Mapping[WordId, str], labels: Sequence[ReceiptWordLabel], index: Any, namespace: str
) -> None:
    of_word: dict[WordId, list[ReceiptWordLabel]] = {}
    for label in labels:
        of_word.setdefault(label.id.word, []).append(label)
    dimension = index.describe_index_stats().dimension or _USUAL_DIMENSION
    vectors = [
        _vector(word, text, of_word.get(word, []), dimension) for word, text in words.items()
    ]
    answer = index.upsert(vectors=vectors, namespace=namespace, batch_size=_VECTORS_A_REQUEST)
    if answer.has_errors:
        raise ReceiptsError(f"Pinecone refused vectors: {answer.errors[0].error_message}")


def _words(receipt: Receipt) -> Iterator[tuple[WordId, str]]:
    for line in receipt.lines:
        for word in line.words:
            yield (
                WordId(
                    image_id=receipt.id.image_id,
                    receipt_id=receipt.id.receipt_id,
                    line_id=line.line_id,
                    word_id=word.word_id,
                ),
                word.text,
            )


def _vector(
    word: WordId, text: str, labels: Sequence[ReceiptWordLabel], dimension: int
) -> Mapping[str, Any]:
    return {
        "id": word.vector_id,
        "values": _values(text, dimension),
        "metadata": {
            "image_id": word.image_id,
            "receipt_id": word.receipt_id,
            "line_id": word.line_id,
            "word_id": word.word_id,
            "text": text,
            **word_metadata(labels),
        },
    }


def _values(text: str, dimension: int) -> list[float]:
    """The same for the same text, and nothing more: an embedding would need a model."""
    digest = hashlib.shake_256(text.encode()).digest(dimension)
    # Never all zeros, which Pinecone refuses.
    return [(byte + 1) / 256 for byte in digest]
