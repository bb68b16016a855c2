"""Batches whose job has ended, and the table before and after they are applied."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from functions.clients.dynamodb import Action, Item, Table
from functions.clients.s3 import Bucket
from functions.clients.typed_values import plain
from functions.completions.batches import BatchSummary, CompletionBatchResult
from functions.completions.collection.cutting import ChunkWriter
from functions.completions.collection.finishing import finish
from functions.completions.entities import ReceiptWordLabel, iso
from functions.completions.identifiers import LabelId
from functions.completions.judgement import applying
from functions.completions.messages import ChunkRef
from functions.completions.targets import Request, targets_key
from functions.completions.vocabulary import BatchStatus, Outcome, ValidationStatus
from tests.functions.completions.judgement.answered_lines import answering

BATCH, EARLIER = "5b0c3a66-batch", "1f6d9f00-earlier"
NOW = 1_790_000_000.0
CHUNK = ChunkRef(batch_id=BATCH, chunk="00001")
MAX_ATTEMPTS = 3


def held(id_: LabelId, **others: Any) -> ReceiptWordLabel:
    """A label that waits for the batch's verdict."""
    return ReceiptWordLabel(
        **{
            "id": id_,
            "validation_status": ValidationStatus.PENDING,
            "batch_id": BATCH,
            "timestamp_added": iso(NOW - 3600),
            "label_proposed_by": "a model",
            **others,
        }
    )


def judged(
    id_: LabelId, status: ValidationStatus, *, by: str | None = EARLIER, **others: Any
) -> ReceiptWordLabel:
    """A label that has its verdict, of another batch or of a person."""
    return held(id_, validation_status=status, batch_id=by, **others)


@dataclass(kw_only=True)
class Job:
    """What a job asked and what came of it: a line, or a reason for none, for each request."""

    answered: list[tuple[Request, bytes]] = field(default_factory=list)
    unanswered: list[tuple[Request, dict[str, Any]]] = field(default_factory=list)
    strays: list[bytes] = field(default_factory=list)

    @property
    def targets(self) -> list[LabelId]:
        """All that it asked about."""
        requests = [request for request, _ in (*self.answered, *self.unanswered)]
        return [target for request in requests for target in request.targets]


def answer(results: Iterable[Mapping[str, Any]], about: Sequence[LabelId]) -> Job:
    """A job of one receipt."""
    return Job(answered=[(Request(receipt=about[0].receipt, targets=about), answering(results))])


def silence(about: Sequence[LabelId], **others: Any) -> Job:
    """A job that has no line for its one receipt."""
    told = {"reason": "no line", "counts_attempt": True, "needs_review": False, **others}
    return Job(unanswered=[(Request(receipt=about[0].receipt, targets=about), told)])


def collected(table: Table, bucket: Bucket, job: Job, *, batch_id: str = BATCH) -> int:
    """Put a job's batch and its chunks where ``apply`` finds them; how many chunks."""
    summary = BatchSummary(
        batch_id=batch_id,
        status=BatchStatus.PENDING,
        submitted_at=iso(NOW - 3000),
        model="gpt-test",
        targets_key=targets_key(batch_id),
        target_count=len(job.targets),
        request_count=len(job.answered) + len(job.unanswered),
        prompt_tokens=100,
        openai_batch_id="batch_1",
        openai_status="completed",
    )
    table.put(summary.to_item())
    with ThreadPoolExecutor(1) as pool:
        chunks = ChunkWriter(bucket, batch_id, pool)
        for request, line in job.answered:
            chunks.add_line(line, request=request.to_line())
        for line in job.strays:
            chunks.add_line(line, request=None, reason="nobody asked")
        for request, told in job.unanswered:
            chunks.add_unanswered(request.to_line(), **told)
        return chunks.finish()


def put(table: Table, *labels: ReceiptWordLabel) -> None:
    """Put labels into the table."""
    for label in labels:
        table.put(label.to_item())


def apply(table: Table, bucket: Bucket, chunk: ChunkRef = CHUNK) -> None:
    """Apply a chunk."""
    applying.apply(chunk, table=table, bucket=bucket, max_attempts=MAX_ATTEMPTS, clock=lambda: NOW)


def end(table: Table, batch_id: str = BATCH) -> None:
    """End the batch, which needs an outcome of each target."""
    finish(table, batch_id=batch_id, now=NOW)


def label(table: Table, id_: LabelId) -> ReceiptWordLabel:
    """A label as it is in the table."""
    item = table.get(id_.key)
    assert item, f"{id_.text} is not there"
    return ReceiptWordLabel.from_item(item)


def statuses(table: Table, *ids: LabelId) -> list[tuple[ValidationStatus, str | None]]:
    """How labels stand, and which batch has them."""
    labels = [label(table, id_) for id_ in ids]
    return [(one.validation_status, one.batch_id) for one in labels]


def record(table: Table, id_: LabelId, batch_id: str = BATCH) -> CompletionBatchResult:
    """What the batch has on record of a target."""
    item = table.get({"PK": f"BATCH#{batch_id}", "SK": f"RESULT#{id_.text}"})
    assert item, f"there is no record of {id_.text}"
    return CompletionBatchResult.from_item(item)


def outcomes(table: Table, *ids: LabelId, batch_id: str = BATCH) -> list[Outcome]:
    """Where targets ended."""
    return [record(table, id_, batch_id).outcome for id_ in ids]


def items(table: Table) -> list[Item]:
    """All that is in the table."""
    pages = table._client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
    found = [plain(item) for page in pages for item in page["Items"]]
    return sorted(found, key=lambda item: (item["PK"], item["SK"]))


def empty(table: Table) -> None:
    """Delete all that is in the table."""
    for item in items(table):
        table.delete({"PK": item["PK"], "SK": item["SK"]})


class WatchedTable(Table):
    """A table that counts its calls, and lets something happen before or after its writes."""

    def __init__(
        self,
        table: Table,
        *,
        before: Callable[[int], None] = lambda _: None,
        after: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(table._client, table.name)
        self._before = before
        self._after = after
        self.queries = 0
        self.writes: list[int] = []
        """How many actions each transaction had."""

    def query(self, *arguments: Any, **more: Any) -> Any:
        self.queries += 1
        return super().query(*arguments, **more)

    def write_all(self, actions: Sequence[Action]) -> frozenset[int]:
        self.writes.append(len(actions))
        number = len(self.writes)
        self._before(number)
        refused = super().write_all(actions)
        self._after(number)
        return refused
