"""The last step of a batch in ``CompletionPollFlow``: it ends when every target has an outcome."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from boto3.dynamodb.conditions import Attr, Key

from functions.clients.dynamodb import Item, Table, Update
from functions.completions import capacity
from functions.completions.batches import BatchSummary
from functions.completions.collection.job_ends import ENDS
from functions.completions.entities import iso
from functions.completions.labels import batch_summary
from functions.completions.vocabulary import BatchStatus, Outcome
from functions.costs import TokenUsage
from functions.errors import CountsDisagreeError, InvalidItemError
from functions.metrics import Metric
from functions.observability import count, logger
from functions.spending import count_spending

_METRICS: Mapping[Outcome, Metric] = MappingProxyType(
    {
        Outcome.VALID: Metric.LABELS_VALID,
        Outcome.INVALID: Metric.LABELS_INVALID,
        Outcome.NEEDS_REVIEW: Metric.LABELS_NEED_REVIEW,
        Outcome.SUPERSEDED: Metric.LABELS_SUPERSEDED,
        Outcome.UNANSWERED: Metric.LABELS_ASKED_AGAIN,
    }
)


def finish(table: Table, *, batch_id: str, now: float) -> None:
    """Mark a batch as ended if each of its targets has an outcome; nothing happens twice.

    ``now`` is Unix seconds. CountsDisagreeError if an outcome is missing, InvalidItemError if the
    batch is not what it should be.
    """
    summary = batch_summary(table, batch_id)
    if summary is None:
        raise InvalidItemError(f"there is no batch {batch_id}")
    if summary.status in ENDS.values():
        return
    outcomes = _outcomes(table, batch_id)
    # A target's record is written only in the transaction that takes the label out of the batch's
    # hands, or once the label is seen not to be in them, and there is one record a target. So as
    # many records as targets mean that no label is PENDING under this batch.
    if sum(outcomes.values()) != summary.target_count:
        raise CountsDisagreeError(
            f"batch {batch_id} has {summary.target_count} targets, but outcomes for "
            f"{sum(outcomes.values())}: {outcomes}"
        )
    if update_batch_summary(table, summary, outcomes, now):
        _count(summary, outcomes)


def update_batch_summary(
    table: Table, summary: BatchSummary, outcomes: Mapping[Outcome, int], now: float
) -> bool:
    """Mark a PENDING batch as ended as its job did, and give its tokens back.

    False if it was not PENDING any more.
    """
    status = _end(summary)
    changes = {
        **summary.status_attributes(status),
        "outcomes": {str(outcome): number for outcome, number in outcomes.items()},
        "finished_at": iso(now),
    }
    pending = Attr("status").eq(BatchStatus.PENDING)
    return not table.write_all(
        [
            Update(key=summary.key, changes=changes, when=pending),
            capacity.giving_back(summary.prompt_tokens),
        ]
    )


def _end(summary: BatchSummary) -> BatchStatus:
    """What the job's own end, which collecting has recorded, makes of the batch."""
    status = ENDS.get(summary.openai_status or "")
    if status is None:
        raise InvalidItemError(f"batch {summary.batch_id} has outcomes, but was never collected")
    return status


def _outcomes(table: Table, batch_id: str) -> Mapping[Outcome, int]:
    """How many targets ended where, with the zeros."""
    records = Key("PK").eq(f"BATCH#{batch_id}") & Key("SK").begins_with("RESULT#")
    found = Counter(_outcome(record, batch_id) for record in table.query(records, only=["outcome"]))
    return {outcome: found[outcome] for outcome in Outcome}


def _outcome(record: Item, batch_id: str) -> Outcome:
    try:
        return Outcome(record.get("outcome", ""))
    except ValueError:
        raise InvalidItemError(f"batch {batch_id} has a record without an outcome") from None


def _count(summary: BatchSummary, outcomes: Mapping[Outcome, int]) -> None:
    status = _end(summary)
    logger().info(
        "batch finished",
        extra={
            "openai_batch_id": summary.openai_batch_id,
            "status": status,
            **{str(outcome): number for outcome, number in outcomes.items()},
        },
    )
    count(Metric(f"Batches{status.title()}"))
    for outcome, number in outcomes.items():
        if number:
            count(_METRICS[outcome], number)
    usage = TokenUsage(
        input_tokens=summary.input_tokens,
        output_tokens=summary.output_tokens,
        cached_tokens=summary.cached_tokens,
    )
    if usage.input_tokens or usage.output_tokens:
        count_spending(summary.model, usage, batch=True)
