"""The labels' way: batches, labels that wait, words that Pinecone does not show as they are."""

import json
import shlex
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from boto3.dynamodb.conditions import Key

from functions.clients.dynamodb import Item, Table
from functions.completions.batches import BatchSummary
from functions.completions.entities import UNPROJECTED, VECTOR_MISSING
from functions.completions.projection.marks import marked_items
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from functions.errors import InvalidItemError
from ops.executions import UNDER_WAY, Execution, Executions
from ops.parts import Part
from ops.stack import Stack
from ops.status.counting import Count, count_up_to
from ops.status.problems import Problem
from ops.words import age

LONGEST_JOB_SECONDS = 25 * 3600
"""OpenAI gives a job 24 hours; the hour more is for what came before its creation, and after."""

_OPEN = (BatchStatus.SUBMITTING, BatchStatus.PENDING)
_RUNS = 5


class BatchPart(Part):
    """A batch that has not ended. ``stuck`` says why it should have gone on; empty if not so."""

    batch_id: str
    openai_batch_id: str
    status: BatchStatus
    openai_status: str
    labels: int
    age_seconds: int
    stuck: str


class UnreadablePart(Part):
    """An item of a batch that is not what its key says."""

    key: str
    complaint: str


class RunPart(Part):
    """An execution of ``CompletionPollFlow``."""

    execution: str
    status: str
    age_seconds: int
    reason: str


class LabelsPart(Part):
    """What is in flight of the labels."""

    open_batches: list[BatchPart]
    unreadable_batches: list[UnreadablePart]
    batches: dict[BatchStatus, Count]
    waiting: Count
    """Labels that wait to be asked about."""
    needs_review: Count
    """Labels that wait for a person."""
    unprojected: Count
    """Labels that Pinecone does not show as they are."""
    vectors_missing: Count
    """The same, as Pinecone has no vector of their word."""
    runs: list[RunPart]
    """The last ones, the newest first."""


def look_at_labels(stack: Stack, *, most: int) -> LabelsPart:
    """The labels' way as it is now. Errors: botocore's, AwsUnavailableError."""
    table, now = stack.labels, time.time()
    open_batches, unreadable = _open_batches(table, most, now)
    states, machine = stack.client("stepfunctions"), stack.outputs.completion_poll_flow_arn
    return LabelsPart(
        open_batches=open_batches,
        unreadable_batches=unreadable,
        batches={
            status: count_up_to(most, _batches(most, table, status, only=("PK",)))
            for status in BatchStatus
        },
        waiting=_count(most, table, ValidationStatus.NONE),
        needs_review=_count(most, table, ValidationStatus.NEEDS_REVIEW),
        unprojected=_count_marks(most, table, UNPROJECTED),
        vectors_missing=_count_marks(most, table, VECTOR_MISSING),
        runs=[_run(run, now) for run in Executions(states, machine).newest(_RUNS)],
    )


def label_problems(labels: LabelsPart, stack: Stack) -> Iterator[Problem]:
    """Batches that should have gone on, and a last run that failed."""
    reconcile = (
        f"aws lambda invoke --function-name {stack.outputs.completion_reconcile_function_name}"
    )
    for batch in labels.open_batches:
        if batch.stuck:
            poll = f"python -m ops poll --batch {batch.openai_batch_id}"
            yield Problem(
                flow="labels",
                what=f"batch {batch.batch_id}: {batch.stuck}",
                next=poll if batch.openai_batch_id else f"{reconcile} /dev/stdout",
            )
    for broken in labels.unreadable_batches:
        key = json.dumps({"PK": {"S": broken.key}, "SK": {"S": "STATUS"}})
        yield Problem(
            flow="labels",
            what=f"a batch that cannot be read: {broken.complaint}",
            next=f"aws dynamodb get-item --table-name {stack.outputs.label_table_name} "
            f"--key {shlex.quote(key)}",
        )
    ended = [run for run in labels.runs if run.status not in UNDER_WAY]
    if ended and ended[0].status != "SUCCEEDED":
        yield Problem(
            flow="labels",
            what=f"the last run of CompletionPollFlow, {age(ended[0].age_seconds)} ago: "
            f"{ended[0].reason}",
            next="python -m ops poll",
        )


def _open_batches(
    table: Table, most: int, now: float
) -> tuple[list[BatchPart], list[UnreadablePart]]:
    batches, unreadable = [], []
    for status in _OPEN:
        for item in islice(_batches(most, table, status), most):
            try:
                batches.append(_batch(BatchSummary.from_item(item), now))
            except InvalidItemError as error:
                unreadable.append(UnreadablePart(key=str(item["PK"]), complaint=str(error)))
    return sorted(batches, key=lambda batch: -batch.age_seconds), unreadable


def _batch(summary: BatchSummary, now: float) -> BatchPart:
    seconds = now - datetime.fromisoformat(summary.submitted_at).timestamp()
    return BatchPart(
        batch_id=summary.batch_id,
        openai_batch_id=summary.openai_batch_id or "",
        status=summary.status,
        openai_status=summary.openai_status or "",
        labels=summary.target_count,
        age_seconds=int(seconds),
        stuck=_stuck(summary, seconds, now),
    )


def _stuck(summary: BatchSummary, seconds: float, now: float) -> str:
    if summary.status is BatchStatus.PENDING:
        late = seconds > LONGEST_JOB_SECONDS
        return f"OpenAI has had it for {age(seconds)}, and gives a job 24 hours" if late else ""
    # One that was released holds no labels: it is there to know a job that turns up late.
    if summary.released_at is None and summary.lease_until < now:
        over = age(now - summary.lease_until)
        return f"nobody knows whether it has a job: its submitter's lease ended {over} ago"
    return ""


def _batches(
    most: int, table: Table, status: BatchStatus, only: Sequence[str] = ()
) -> Iterator[Item]:
    key = Key("GSI1PK").eq(f"STATUS#{status}")
    return table.query(key, index="GSI1", only=only, page_size=most + 1)


def _count(most: int, table: Table, status: ValidationStatus) -> Count:
    key = Key("GSI3PK").eq(f"VALIDATION_STATUS#{status}")
    return count_up_to(most, table.query(key, index="GSI3", only=("PK",), page_size=most + 1))


def _count_marks(most: int, table: Table, kind: str) -> Count:
    return count_up_to(most, marked_items(table, kind, only=("PK",), page_size=most + 1))


def _run(execution: Execution, now: float) -> RunPart:
    return RunPart(
        execution=execution.name,
        status=execution.status,
        age_seconds=int(now - execution.started_at),
        reason=execution.reason,
    )
