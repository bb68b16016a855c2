"""Judgements as they are written: the label, its correction, and the record of the batch."""

from boto3.dynamodb.conditions import Attr

from functions.clients.dynamodb import Action, Put, Update
from functions.completions.batches import BatchSummary, CompletionBatchResult
from functions.completions.entities import ReceiptWordLabel, in_status
from functions.completions.identifiers import LabelId
from functions.completions.judgement.judging import Judgement
from functions.completions.judgement.line_answers import Answer
from functions.completions.vocabulary import Outcome, ValidationStatus

PROPOSER = "COMPLETION_BATCH"
MOST_ACTIONS_OF_ONE = 3
"""The label, a correction, the record."""

_NEW = Attr("PK").not_exists()


def actions(judgement: Judgement, summary: BatchSummary, now: str) -> list[Action]:
    """What a judgement writes, all of it or nothing; ``now`` is ISO 8601."""
    label = judgement.label
    written: list[Action] = [_label_update(judgement, summary.batch_id)]
    if judgement.correction:
        correction = _correction(judgement.correction, label.id, summary.batch_id, now)
        written.append(Put(item=correction.to_item(), when=_NEW))
    result = _result(
        judgement.answer,
        summary,
        outcome=judgement.outcome,
        reason=judgement.reason,
        attempt=label.attempts + 1,
        now=now,
    )
    # Without a condition: as long as the batch holds the label, an older record can only say that
    # the label's item was broken, which somebody has mended since.
    written.append(Put(item=result.to_item()))
    return written


def superseded(answer: Answer, summary: BatchSummary, attempt: int, now: str) -> list[Action]:
    """The record, if there is none, of a target whose label the batch no longer holds."""
    result = _result(
        answer,
        summary,
        outcome=Outcome.SUPERSEDED,
        reason=answer.reason or "the label no longer waited for this batch",
        attempt=attempt,
        now=now,
    )
    return [Put(item=result.to_item(), when=_NEW)]


def _label_update(judgement: Judgement, batch_id: str) -> Update:
    label, waits = judgement.label, judgement.status == ValidationStatus.NONE
    return Update(
        key=label.id.key,
        changes={
            **in_status(judgement.status),
            "attempts": judgement.attempts,
            # A label that is asked about again is shown in Pinecone as it was.
            **({} if waits else label.mark(batch_id)),
        },
        remove=["batch_id"] if waits else [],
        when=Attr("validation_status").eq(ValidationStatus.PENDING) & Attr("batch_id").eq(batch_id),
    )


def _correction(label: LabelId, rejected: LabelId, batch_id: str, now: str) -> ReceiptWordLabel:
    return ReceiptWordLabel(
        id=label,
        timestamp_added=now,
        label_proposed_by=PROPOSER,
        label_consolidated_from=rejected.label,
        reasoning=f"Batch {batch_id} called {rejected.label} invalid and suggested this label.",
    )


def _result(
    answer: Answer,
    summary: BatchSummary,
    *,
    outcome: Outcome,
    reason: str | None,
    attempt: int,
    now: str,
) -> CompletionBatchResult:
    verdict = answer.verdict
    return CompletionBatchResult(
        batch_id=summary.batch_id,
        id=answer.target,
        outcome=outcome,
        original_label=answer.target.label,
        gpt_suggested_label=verdict.correct_label if verdict else None,
        is_valid=verdict.is_valid if verdict else None,
        reason=reason,
        model=summary.model,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        attempt=attempt,
        validated_at=now,
        raw_line=answer.raw_line,
    )
