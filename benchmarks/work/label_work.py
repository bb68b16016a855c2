"""A batch of labels whose job has ended: the table before, the chunk of answers, the vectors."""

import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from pinecone import Index

from functions.clients.dynamodb import Put, Table
from functions.clients.s3 import Bucket
from functions.completions.batches import BatchSummary
from functions.completions.collection.cutting import ChunkWriter
from functions.completions.entities import ReceiptWordLabel, iso
from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.targets import Request, targets_key
from functions.completions.transactions import write_each
from functions.completions.vocabulary import BatchStatus, ValidationStatus

BATCH, EARLIER = "5b0c3a66-batch", "1f6d9f00-earlier"
NOW = 1_790_000_000.0
# As on real receipts, of which each has some 27 labels.
LABELS_A_RECEIPT = 25
ASKED, SUGGESTED, BEFORE = "PRODUCT_NAME", "LINE_TOTAL", "UNIT_PRICE"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A label that the batch asks about, what is said of it, and what its word has beside it."""

    id: LabelId
    is_valid: bool
    suggested: str | None = None
    beside: tuple[str, ValidationStatus] | None = None


# Fourteen of twenty are valid. Three invalid ones get a correction, and for one of the others it
# is there already; two are on words of which a label was called invalid before.
_SAYS: tuple[Mapping[str, Any], ...] = (
    *({"is_valid": True} for _ in range(13)),
    {"is_valid": True, "beside": (BEFORE, ValidationStatus.INVALID)},
    *({"is_valid": False, "suggested": SUGGESTED} for _ in range(2)),
    {
        "is_valid": False,
        "suggested": SUGGESTED,
        "beside": (BEFORE, ValidationStatus.INVALID),
    },
    {
        "is_valid": False,
        "suggested": SUGGESTED,
        "beside": (SUGGESTED, ValidationStatus.VALID),
    },
    {"is_valid": False, "beside": (BEFORE, ValidationStatus.INVALID)},
    {"is_valid": False},
)


def judged_labels(number: int) -> list[Judged]:
    """So many, each of a word of its own."""
    ids = (
        LabelId(
            image_id=str(uuid.UUID(int=n // LABELS_A_RECEIPT)),
            receipt_id=1,
            line_id=1 + n % LABELS_A_RECEIPT // 5,
            word_id=1 + n % 5,
            label=ASKED,
        )
        for n in range(number)
    )
    return [Judged(id=id_, **says) for id_, says in zip(ids, cycle(_SAYS), strict=False)]


def fill(table: Table, work: list[Judged]) -> None:
    """Put the batch and all labels of its words into a table."""
    summary = BatchSummary(
        batch_id=BATCH,
        status=BatchStatus.PENDING,
        submitted_at=iso(NOW - 3000),
        model="gpt-5.4-mini",
        targets_key=targets_key(BATCH),
        target_count=len(work),
        request_count=len(work) // LABELS_A_RECEIPT,
        prompt_tokens=100 * len(work),
        openai_batch_id="batch_1",
        openai_status="completed",
    )
    table.put(summary.to_item())
    write_each(table, (Put(item=label.to_item()) for one in work for label in _labels(one)))


def _labels(one: Judged) -> Iterator[ReceiptWordLabel]:
    common = {"timestamp_added": iso(NOW - 3600), "label_proposed_by": "a model"}
    reasoning = "The text stands where receipts have what was bought, left of an amount."
    pending = ValidationStatus.PENDING
    yield ReceiptWordLabel(
        id=one.id, validation_status=pending, batch_id=BATCH, reasoning=reasoning, **common
    )
    if one.beside:
        label, status = one.beside
        id_ = one.id.of_same_word(label)
        yield ReceiptWordLabel(id=id_, validation_status=status, batch_id=EARLIER, **common)


def metadata(one: Judged) -> dict[str, Any]:
    """What Pinecone shows of its word before the batch's verdicts."""
    label, status = one.beside or ("", ValidationStatus.NONE)
    return {
        "text": "KOPI",
        "valid_labels": [label] if status is ValidationStatus.VALID else [],
        "invalid_labels": [label] if status is ValidationStatus.INVALID else [],
        "proposed_label": one.id.label,
    }


def fill_index(index: Index, namespace: str, work: list[Judged]) -> None:
    """Put the words' vectors into a namespace of Pinecone's."""
    vectors = [(one.id.word.vector_id, [0.5] * 8, metadata(one)) for one in work]
    index.upsert(vectors=vectors, namespace=namespace, batch_size=500)


class HeldObjects(Bucket):
    """A bucket in memory, as S3 is no part of what is measured."""

    def __init__(self, work: list[Judged]) -> None:
        self.name = "held"
        self.objects: dict[str, bytes] = {}
        with ThreadPoolExecutor(1) as pool:
            chunks = ChunkWriter(self, BATCH, pool)
            for receipt, some in by_receipt(work):
                request = Request(receipt=receipt, targets=[one.id for one in some])
                chunks.add_line(_answer(receipt, some), request=request.to_line())
            chunks.finish()

    def put(self, key: str, body: bytes) -> None:
        """Keep an object."""
        self.objects[key] = body

    def get(self, key: str) -> bytes | None:
        """An object, whole."""
        return self.objects.get(key)


def by_receipt(work: list[Judged]) -> Iterator[tuple[ReceiptId, list[Judged]]]:
    """The labels of each receipt."""
    waiting = iter(work)
    while some := list(islice(waiting, LABELS_A_RECEIPT)):
        yield some[0].id.receipt, some


def _answer(receipt: ReceiptId, some: list[Judged]) -> bytes:
    """A line of the job's output file: https://developers.openai.com/api/docs/guides/batch."""
    results = [
        {"id": one.id.target_id, "is_valid": one.is_valid, "correct_label": one.suggested}
        for one in some
    ]
    text = json.dumps({"results": results})
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    body = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [{"id": "rs_1", "type": "reasoning", "summary": []}, message],
        "usage": {"input_tokens": 900, "output_tokens": 1300, "total_tokens": 2200},
    }
    answer = {"status_code": 200, "request_id": "req_1", "body": body}
    line = {"id": "batch_req_1", "custom_id": receipt.custom_id, "response": answer, "error": None}
    return json.dumps(line).encode()
