"""Batches with jobs at OpenAI, as submitting leaves them, and what collecting makes of them."""

import io
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions import capacity
from functions.completions.batches import BatchSummary
from functions.completions.chunks import Entry, chunks_key, entries_key, lines_key
from functions.completions.entities import iso
from functions.completions.identifiers import LabelId
from functions.completions.labels import batch_summary
from functions.completions.targets import Request, targets_key
from functions.completions.vocabulary import BatchStatus
from local.standins.openai import JobPlan, OpenAIStandIn

LABELS = ("DATE", "GRAND_TOTAL")
TOKENS = 100


def request(number: int, labels: Sequence[str] = LABELS) -> Request:
    """The request of a receipt, whose first word has these labels."""
    image = str(uuid.UUID(int=number))
    targets = [
        LabelId(image_id=image, receipt_id=1, line_id=1, word_id=1, label=label) for label in labels
    ]
    return Request(receipt=targets[0].receipt, targets=targets)


def name(number: int) -> str:
    """The custom id of that request."""
    return request(number).receipt.custom_id


@dataclass(frozen=True, kw_only=True)
class Received:
    """An entry of a chunk, with its raw line."""

    chunk: str
    entry: Entry
    raw: bytes | None

    @property
    def custom_id(self) -> str | None:
        """Of its request."""
        asked = self.entry.request
        return None if asked is None else asked.receipt.custom_id

    @property
    def answer(self) -> dict[str, Any]:
        """Its raw line, decoded."""
        assert self.raw is not None
        found: dict[str, Any] = json.loads(self.raw)
        return found


@dataclass(frozen=True, kw_only=True)
class PendingBatches:
    """Makes them, and looks them up."""

    table: Table
    bucket: Bucket
    jobs: BatchJobs
    standin: OpenAIStandIn

    def begin(
        self, requests: int = 1, *, plan: JobPlan | None = None, **fields: Any
    ) -> BatchSummary:
        """A batch of so many requests, whose job goes as planned and else ends at the first look.

        ``fields`` are those of the summary that are to be otherwise.
        """
        batch_id = str(uuid.uuid4())
        asked = [request(number) for number in range(requests)]
        key = targets_key(batch_id)
        self.bucket.put(key, b"".join(one.to_line() for one in asked))
        self.standin.job_plans.clear()
        self.standin.job_plans.add(plan or JobPlan(in_progress=0))
        lines = b"".join(_line(one) for one in asked)
        file_id = self.jobs.upload("r.jsonl", io.BytesIO(lines), expires_after_seconds=3600)
        job = self.jobs.create(file_id, metadata={"batch_id": batch_id})
        summary = BatchSummary(
            **{
                "batch_id": batch_id,
                "status": BatchStatus.PENDING,
                "submitted_at": iso(time.time()),
                "model": "gpt-5.4-mini",
                "targets_key": key,
                "target_count": requests * len(LABELS),
                "request_count": requests,
                "prompt_tokens": TOKENS,
                "openai_batch_id": job.id,
                "input_file_id": file_id,
            }
            | fields
        )
        self.table.put(summary.to_item())
        self.table.write_all([capacity.taking(summary.prompt_tokens, None)])
        return summary

    def now(self, summary: BatchSummary) -> BatchSummary:
        """A batch as it stands."""
        found = batch_summary(self.table, summary.batch_id)
        assert found is not None
        return found

    def chunks(self, summary: BatchSummary) -> Sequence[Mapping[str, str]]:
        """The list of its chunks."""
        found: Sequence[Mapping[str, str]] = json.loads(self._object(chunks_key(summary.batch_id)))
        return found

    def received(self, summary: BatchSummary) -> Iterator[Received]:
        """Every entry of every chunk that is in the list."""
        for ref in self.chunks(summary):
            assert ref["batchId"] == summary.batch_id
            yield from self._of_chunk(summary.batch_id, ref["chunk"])

    def _of_chunk(self, batch_id: str, chunk: str) -> Iterator[Received]:
        raw = self._object(lines_key(batch_id, chunk)).split(b"\n")
        assert raw.pop() == b"", "the last line has its end"
        read = []
        for line in io.BytesIO(self._object(entries_key(batch_id, chunk))):
            entry = Entry.from_line(line)
            read.append(entry.line)
            yield Received(
                chunk=chunk, entry=entry, raw=None if entry.line is None else raw[entry.line]
            )
        assert [place for place in read if place is not None] == list(range(len(raw)))

    def _object(self, key: str) -> bytes:
        found = self.bucket.get(key)
        assert found is not None, key
        return found


def _line(asked: Request) -> bytes:
    body = {"model": "gpt-5.4-mini", "input": "Which of these labels are right?"}
    line = {"custom_id": asked.receipt.custom_id, "method": "POST", "url": "/v1/responses"}
    return json.dumps({**line, "body": body}).encode() + b"\n"
