"""The first step of ``CompletionPollFlow``: which batches have something to be collected?

The jobs of all pending batches are looked at, many at once, and only a batch that is handed on is
written to, so that a run that finds nothing costs next to nothing.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from boto3.dynamodb.conditions import Attr

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.completions.batches import BatchSummary
from functions.completions.collection.job_ends import ENDS, UNDER_WAY
from functions.completions.collection.job_statuses import (
    LONGEST_JOB_SECONDS,
    current_job,
)
from functions.completions.entities import iso
from functions.completions.labels import batches_with_status
from functions.completions.messages import EndedBatch
from functions.completions.vocabulary import BatchStatus
from functions.errors import FlowError, InvalidItemError, OpenAINotFoundError
from functions.metrics import Metric
from functions.observability import count, describe, logger, measure

_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class PollLimits:
    """How much is handed on in one run, and how long a job may be ``validating``."""

    max_batches: int
    validating_timeout_seconds: int


def list_pending_completion_batches(table: Table) -> list[BatchSummary]:
    """The completion batches that are PENDING; broken items are reported and left out."""
    return list(batches_with_status(table, BatchStatus.PENDING))


def get_openai_batch_status(jobs: BatchJobs, openai_batch_id: str) -> str:
    """OpenAI's own word for how a job stands."""
    return jobs.job(openai_batch_id).status


def batches_to_collect(
    table: Table,
    jobs: BatchJobs,
    *,
    limits: PollLimits,
    now: float,
    openai_batch_id: str | None = None,
) -> list[EndedBatch]:
    """The pending batches whose job has ended, the longest unchecked first; now this caller's.

    With ``openai_batch_id`` no other job is looked at. ``now`` is Unix seconds. A batch whose
    status cannot be had waits for the next run; the first error is raised if none could be had.
    """
    pending = [
        summary
        for summary in list_pending_completion_batches(table)
        if openai_batch_id in (None, summary.openai_batch_id)
    ]
    if openai_batch_id is None:
        measure(
            Metric.OLDEST_BATCH_AGE, max((_age(summary, now) for summary in pending), default=0)
        )
    check = _Check(table=table, jobs=jobs, limits=limits, now=now)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        ended = _ended(pending, [pool.submit(check, summary) for summary in pending])
        # Whoever was handed on and came back undone goes behind those that were not.
        ended.sort(key=lambda found: (found[0].checked_at, found[0].submitted_at))
        chosen = ended[: limits.max_batches]
        taken = pool.map(lambda found: _take(table, found[0], now), chosen)
        return [
            EndedBatch(batch_id=summary.batch_id, openai_batch_id=job.id)
            for (summary, job), ours in zip(chosen, taken, strict=True)
            if ours
        ]


def _ended(
    pending: Sequence[BatchSummary], checks: Sequence[Future[Job | None]]
) -> list[tuple[BatchSummary, Job]]:
    """The batches whose check found the job's end; if every check failed, the first error."""
    ended: list[tuple[BatchSummary, Job]] = []
    errors: list[FlowError] = []
    for summary, check in zip(pending, checks, strict=True):
        try:
            if job := check.result():
                ended.append((summary, job))
        except FlowError as error:
            errors.append(error)
            count(Metric.STATUS_CHECKS_FAILED)
            logger().warning("a job was not checked", extra={**_names(summary), **describe(error)})
    if errors and len(errors) == len(pending):
        raise errors[0]
    return ended


@dataclass(frozen=True, kw_only=True)
class _Check:
    """Looks for the end of a batch's job, and does what a job that has not ended may need."""

    table: Table
    jobs: BatchJobs
    limits: PollLimits
    now: float

    def __call__(self, summary: BatchSummary) -> Job | None:
        try:
            job = current_job(self.jobs, summary, self.now)
        except (OpenAINotFoundError, InvalidItemError) as error:
            count(Metric.JOBS_NOT_FOUND)
            logger().error("a batch has no job", extra={**_names(summary), **describe(error)})
            return None
        if job.status in ENDS:
            return job
        if job.status not in UNDER_WAY:
            count(Metric.UNKNOWN_BATCH_STATUS)
            logger().error("unknown status", extra={**_names(summary), "status": job.status})
        elif self._is_stuck(summary, job):
            self._cancel(summary, job)
        return None

    def _is_stuck(self, summary: BatchSummary, job: Job) -> bool:
        """Longer under way than it may be, and not asked to be cancelled a time-out ago or less."""
        time_out = self.limits.validating_timeout_seconds
        longest = time_out if job.status == "validating" else LONGEST_JOB_SECONDS
        is_late = self.now - job.created_at > longest
        return is_late and (summary.cancel_requested_at or "") < iso(self.now - time_out)

    def _cancel(self, summary: BatchSummary, job: Job) -> None:
        self.jobs.cancel(job.id)
        self.table.update(
            summary.key,
            {"cancel_requested_at": iso(self.now)},
            when=Attr("status").eq(BatchStatus.PENDING),
        )
        count(Metric.STUCK_JOBS_CANCELLED)
        logger().warning("a job is stuck", extra={**_names(summary), "status": job.status})


def _age(summary: BatchSummary, now: float) -> float:
    """The seconds since it was submitted; clocks differ, and less than none is none."""
    return max(0, now - datetime.fromisoformat(summary.submitted_at).timestamp())


def _take(table: Table, summary: BatchSummary, now: float) -> bool:
    """Whether nobody else took the batch since it was read; of two at once only one does."""
    unchanged = Attr("checked_at").eq(summary.checked_at)
    pending = Attr("status").eq(BatchStatus.PENDING)
    return table.update(summary.key, {"checked_at": iso(now)}, when=unchanged & pending)


def _names(summary: BatchSummary) -> dict[str, str]:
    return {"batch_id": summary.batch_id, "openai_batch_id": summary.openai_batch_id or ""}
