"""What OpenAI's word for a job's status means for its batch."""

from dataclasses import replace

from functions.clients.openai_batches import BatchJobs, Job, JobError
from functions.completions.batches import BatchSummary
from functions.completions.collection.job_ends import ENDS
from functions.completions.entities import iso
from functions.errors import InvalidItemError, OpenAINotFoundError
from functions.metrics import Metric
from functions.observability import count

QUEUE_IS_FULL = "token_limit_exceeded"
JOB_IS_GONE = "job_not_found"
"""A code of our own: OpenAI answers 404 and nothing more."""
_NEVER_ENDED = "job_never_ended"
"""Another one."""

# OpenAI gives a job 24 hours; the hour more is for what came before its creation, and after.
LONGEST_JOB_SECONDS = 25 * 3600
# By then it has been asked to be cancelled for two days: its labels wait no longer.
_GIVEN_UP_SECONDS = 72 * 3600


def is_over(summary: BatchSummary, now: float) -> bool:
    """Whether no job of this batch can be under way any more, whatever OpenAI says of it."""
    return summary.submitted_at < iso(now - LONGEST_JOB_SECONDS)


def current_job(jobs: BatchJobs, summary: BatchSummary, now: float) -> Job:
    """A batch's job as it stands; one that is gone has failed once the batch's time is over.

    One that does not come to an end, whatever its status, has expired in the end: no wait is
    without one. InvalidItemError if the batch has no job; OpenAINotFoundError if the job is gone
    before its time is over.
    """
    if summary.openai_batch_id is None:
        raise InvalidItemError(f"batch {summary.batch_id} is {summary.status} and names no job")
    try:
        job = jobs.job(summary.openai_batch_id)
    except OpenAINotFoundError as error:
        if not is_over(summary, now):
            raise
        return Job(
            id=summary.openai_batch_id,
            status="failed",
            created_at=0,
            errors=(JobError(code=JOB_IS_GONE, message=str(error)),),
        )
    if job.status not in ENDS and summary.submitted_at < iso(now - _GIVEN_UP_SECONDS):
        count(Metric.JOBS_GIVEN_UP)
        message = f"three days after it was submitted the job was {job.status}"
        errors = (JobError(code=_NEVER_ENDED, message=message),)
        return replace(job, status="expired", errors=errors)
    return job
