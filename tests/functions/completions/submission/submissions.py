"""Labels that wait for a verdict, who submits them, and what is true of them whatever happens."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import boto3
from boto3.dynamodb.conditions import Key

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions import capacity
from functions.completions.batches import BatchSummary
from functions.completions.entities import Receipt, ReceiptLine, ReceiptWord, ReceiptWordLabel, iso
from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.labels import labels_with_status
from functions.completions.submission.reconciling import Reconciler
from functions.completions.submission.sending import Sender
from functions.completions.submission.submitting import SubmitLimits, Submitted, submit
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from local.standins.openai import OpenAIStandIn

MODEL = "gpt-test"
LINES = ("CORNER SHOP", "TEL 07-3507405", "MILK 2 3.50", "TOTAL 3.50")
LIMITS = SubmitLimits(requests=50_000, bytes=200_000_000, enqueued_tokens=None)
# Later than any lease.
AFTER_THE_LEASE = 3600


def receipt_id(number: int) -> ReceiptId:
    """The first receipt of an image."""
    return ReceiptId(image_id=str(uuid.UUID(int=number)), receipt_id=1)


def receipt(
    number: int = 1, lines: Sequence[str] = LINES, *, merchant: str | None = "Corner Shop"
) -> Receipt:
    """A receipt with these lines, whose words are what spaces part."""
    return Receipt(
        id=receipt_id(number),
        merchant_name=merchant,
        lines=tuple(
            ReceiptLine(
                line_id=line_id,
                text=text,
                words=tuple(
                    ReceiptWord(word_id=word_id, text=word)
                    for word_id, word in enumerate(text.split(), 1)
                ),
            )
            for line_id, text in enumerate(lines, 1)
        ),
    )


def label(
    number: int = 1, line: int = 1, word: int = 1, name: str = "MERCHANT_NAME", **more: Any
) -> ReceiptWordLabel:
    """A label of a word of that receipt; those of higher numbers are younger."""
    of = receipt_id(number)
    return ReceiptWordLabel(
        id=LabelId(
            image_id=of.image_id, receipt_id=of.receipt_id, line_id=line, word_id=word, label=name
        ),
        **{"timestamp_added": iso(1_700_000_000 + number), "label_proposed_by": "somebody", **more},
    )


def put_all(table: Table, entities: Iterable[Receipt | ReceiptWordLabel | BatchSummary]) -> None:
    """Write items, as fast as moto takes them."""
    with boto3.resource("dynamodb").Table(table.name).batch_writer() as writer:
        for entity in entities:
            item: Any = entity.to_item()
            writer.put_item(Item=item)


class Interrupted(Bucket):
    """A bucket at which something else happens first, when an object is next written."""

    def __init__(self, bucket: Bucket, meanwhile: Callable[[], object]) -> None:
        super().__init__(bucket._client, bucket.name)
        self._meanwhile = [meanwhile]

    def put_file(self, key: str, file: BinaryIO) -> None:
        while self._meanwhile:
            self._meanwhile.pop()()
        super().put_file(key, file)


@dataclass
class Clock:
    """Unix seconds that pass when they are told to."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@dataclass(kw_only=True)
class Desk:
    """A label table, a bucket and the Batch API, and the functions that work with them."""

    table: Table
    bucket: Bucket
    jobs: BatchJobs
    standin: OpenAIStandIn
    clock: Clock = field(default_factory=Clock)

    def meanwhile(self, happens: Callable[[], object]) -> "Desk":
        """The same, where this happens once requests are drafted and before anything is written."""
        return replace(self, bucket=Interrupted(self.bucket, happens))

    def put(self, *entities: Receipt | ReceiptWordLabel | BatchSummary) -> None:
        """Write items."""
        put_all(self.table, entities)

    def sender(self, *, time_left: Callable[[], float] = lambda: 900) -> Sender:
        """Who sends batches, with so many seconds left."""
        return Sender(
            table=self.table,
            bucket=self.bucket,
            jobs=self.jobs,
            model=MODEL,
            clock=self.clock,
            time_left=time_left,
            call_seconds=10,
        )

    def submit(self, **limits: Any) -> Submitted:
        """A run of the submit function."""
        return submit(self.sender(), replace(LIMITS, **limits))

    def reconcile(self, *, after: float = 0) -> Mapping[str, int]:
        """A run of the reconcile function, so many seconds later; what it mended."""
        self.clock.now += after
        done = Reconciler(self.table, self.bucket, self.jobs, now=self.clock()).reconcile()
        return {what: number for what, number in done.items() if number}

    def labels(self, status: ValidationStatus) -> list[ReceiptWordLabel]:
        """The labels in a status, the oldest first."""
        return list(labels_with_status(self.table, status))

    def summaries(self) -> list[BatchSummary]:
        """Every batch there was."""
        keys = [Key("GSI1PK").eq(f"STATUS#{status}") for status in BatchStatus]
        items = [item for key in keys for item in self.table.query(key, index="GSI1")]
        return [BatchSummary.from_item(item) for item in items]

    def summary(self) -> BatchSummary:
        """The only batch."""
        [summary] = self.summaries()
        return summary

    def tokens(self) -> int:
        """How many are under way, by the table's own count."""
        return capacity.read(self.table, self.clock()).tokens

    def requests(self) -> dict[str, list[dict[str, Any]]]:
        """The lines of the input files of this stack's jobs, by job."""
        return {
            job.id: [json.loads(line) for line in job.input_file.content.splitlines()]
            for job in self.standin.jobs.values()
            if job.metadata["stack"] == self.table.name
        }

    def asked(self) -> dict[str, list[str]]:
        """The ids of the targets of each job."""
        return {
            job: [target["id"] for line in lines for target in material(line)["targets"]]
            for job, lines in self.requests().items()
        }

    def check(self) -> None:
        """What must be true once everything has been mended that can be."""
        batches = {summary.batch_id: summary for summary in self.summaries()}
        under_way = [each for each in batches.values() if _is_under_way(each)]
        assert self.tokens() == sum(each.prompt_tokens for each in under_way)
        asked = self.asked()
        held = Counter[str]()
        for each in self.labels(ValidationStatus.PENDING):
            holder = batches[each.batch_id or ""]
            assert holder.status == BatchStatus.PENDING, "PENDING without a live batch"
            assert each.id.target_id in asked[holder.openai_batch_id or ""]
            held[holder.batch_id] += 1
        for summary in batches.values():
            if summary.status == BatchStatus.PENDING:
                assert summary.target_count == held[summary.batch_id]
                assert summary.target_count == len(asked[summary.openai_batch_id or ""])
                assert summary.request_count == len(self.requests()[summary.openai_batch_id or ""])

    def check_no_label_is_asked_about_twice(self) -> None:
        """By jobs that are under way, as OpenAI has it."""
        jobs, ended = self.standin.jobs, ("cancelling", "cancelled")
        live = [ids for job, ids in self.asked().items() if jobs[job].status not in ended]
        counted = Counter(target for ids in live for target in ids)
        assert max(counted.values(), default=1) == 1


def material(line: Mapping[str, Any]) -> dict[str, Any]:
    """What the model is given by a line of an input file."""
    return dict(json.loads(line["body"]["input"]))


def _is_under_way(summary: BatchSummary) -> bool:
    if summary.status == BatchStatus.SUBMITTING:
        return summary.released_at is None
    return summary.status == BatchStatus.PENDING
