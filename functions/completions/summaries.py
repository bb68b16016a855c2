"""What becomes of a batch until its job is known: each step a conditional write.

A summary is ``SUBMITTING`` while nobody knows whether it has a job. It is then in its submitter's
hands, up to the end of its lease, and after that in those of ``reconcile``, which either finds the
job or *releases* the batch: its labels wait again, its tokens are free, and a job that turns up
later is cancelled. The tokens of a batch are given back in the very write that ends or releases it.
"""

from boto3.dynamodb.conditions import Attr, ConditionBase

from functions.clients.dynamodb import Put, Table, Update
from functions.clients.openai_batches import Job
from functions.completions import capacity
from functions.completions.batches import BatchSummary
from functions.completions.entities import iso
from functions.completions.submission.drafts import Draft
from functions.completions.vocabulary import BatchStatus
from functions.errors import LeaseLostError

_SUBMITTING = Attr("status").eq(BatchStatus.SUBMITTING)
_HELD = _SUBMITTING & Attr("released_at").not_exists()


def begin(table: Table, summary: BatchSummary, *, token_limit: int | None) -> bool:
    """Write a new summary and take its tokens; False if there are not so many left."""
    put = Put(item=summary.to_item(), when=Attr("PK").not_exists())
    return not table.write_all([put, capacity.taking(summary.prompt_tokens, token_limit)])


def recount(table: Table, summary: BatchSummary, draft: Draft) -> BatchSummary:
    """Have the summary tell of a draft that has become smaller. LeaseLostError if released."""
    counts = {
        "request_count": draft.request_count,
        "target_count": draft.target_count,
        "prompt_tokens": draft.tokens,
        "answer_tokens": draft.answer_tokens,
    }
    update = Update(key=summary.key, changes=counts, when=_HELD)
    spare = capacity.giving_back(summary.prompt_tokens - draft.tokens)
    if table.write_all([update, spare]):
        raise LeaseLostError(f"batch {summary.batch_id} was released while it was submitted")
    return summary.model_copy(update=counts)


def hand_over(table: Table, summary: BatchSummary, job: Job) -> bool:
    """Give a batch its job, which makes it pending; False if it has been released or has one."""
    changes = {
        **summary.status_attributes(BatchStatus.PENDING),
        "openai_batch_id": job.id,
        "input_file_id": job.input_file_id,
    }
    return table.update(summary.key, changes, when=_HELD)


def release(table: Table, summary: BatchSummary, now: float) -> bool:
    """Have nobody give the batch a job any more; False if it has one, or was released before."""
    update = Update(key=summary.key, changes={"released_at": int(now)}, when=_as_read(summary))
    return not table.write_all([update, capacity.giving_back(summary.prompt_tokens)])


def end(
    table: Table, summary: BatchSummary, status: BatchStatus, *, reason: str, now: float
) -> bool:
    """End a batch that has no job of its own; False if it stands otherwise than was read."""
    changes = {**summary.status_attributes(status), "reason": reason, "finished_at": iso(now)}
    if summary.released_at is not None:
        return table.update(summary.key, changes, when=_SUBMITTING)
    update = Update(key=summary.key, changes=changes, when=_as_read(summary))
    return not table.write_all([update, capacity.giving_back(summary.prompt_tokens)])


def _as_read(summary: BatchSummary) -> ConditionBase:
    """Not released, and with as many tokens as are about to be given back."""
    return _HELD & Attr("prompt_tokens").eq(summary.prompt_tokens)
