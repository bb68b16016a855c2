"""A batch on its way to OpenAI: each step leaves behind what ``reconcile`` needs to mend a crash.

Its targets come before its summary, its summary before its claims, and all of them before its job,
so that a label that is PENDING can be traced to a batch, and a job to its batch, at any time.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.s3 import Bucket
from functions.completions import capacity, summaries
from functions.completions.batches import BatchSummary
from functions.completions.entities import iso
from functions.completions.labels import batch_summary
from functions.completions.submission import claims
from functions.completions.submission.drafts import Draft
from functions.completions.targets import targets_key
from functions.completions.vocabulary import BatchStatus
from functions.errors import LeaseLostError, OpenAIRejectedError, OpenAIUnavailableError
from functions.metrics import Metric
from functions.observability import about, count, describe, logger

# A job reads its input file when it begins.
_FILE_SECONDS = 3 * 86_400
# Clocks differ, and a time-out is met a little late.
_LEASE_MARGIN_SECONDS = 60
# A full queue shows up in a job that has failed, but has been seen in the answer to its creation.
_QUEUE_IS_FULL = re.compile(r"token_limit_exceeded|enqueued token", re.IGNORECASE)


class QueueFullError(Exception):
    """A batch of so many labels was not sent, as there is no room for its tokens now."""

    def __init__(self, reason: str, *, labels: int) -> None:
        super().__init__(reason)
        self.labels = labels


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends batches. ``clock`` has Unix seconds, ``time_left`` the seconds until this process ends.

    No call of OpenAI's lasts longer than ``call_seconds``.
    """

    table: Table
    bucket: Bucket
    jobs: BatchJobs
    model: str
    clock: Callable[[], float]
    time_left: Callable[[], float]
    call_seconds: float

    def send(self, draft: Draft, *, token_limit: int | None) -> BatchSummary | None:
        """Make a batch of what is drafted; None if all its labels have been taken by others.

        Errors: QueueFullError; OpenAIRejectedError, after which the labels wait again. Any other
        error leaves the batch to ``reconcile``.
        """
        summary = self._new_summary(draft)
        with about("batch", batch_id=summary.batch_id):
            return self._send(draft, summary, token_limit)

    def _send(
        self, draft: Draft, summary: BatchSummary, token_limit: int | None
    ) -> BatchSummary | None:
        self._store_targets(draft, summary)
        if not summaries.begin(self.table, summary, token_limit=token_limit):
            reason = "other batches have taken the prompt tokens that were left"
            raise QueueFullError(reason, labels=draft.target_count)
        claimed = self._claim(draft, summary)
        if claimed is None:
            return None
        job = self._start_job(draft, claimed)
        self._hand_over(claimed, job)
        count(Metric.BATCHES_SUBMITTED)
        count(Metric.LABELS_SUBMITTED, claimed.target_count)
        logger().info(
            "batch submitted",
            extra={
                "openai_batch_id": job.id,
                "requests": claimed.request_count,
                "targets": claimed.target_count,
            },
        )
        return claimed.model_copy(update={"openai_batch_id": job.id})

    def _new_summary(self, draft: Draft) -> BatchSummary:
        batch_id, now = str(uuid.uuid4()), self.clock()
        # Until this process and its last call are over, nobody else touches the batch.
        lease = self.time_left() + self.call_seconds + _LEASE_MARGIN_SECONDS
        return BatchSummary(
            batch_id=batch_id,
            status=BatchStatus.SUBMITTING,
            submitted_at=iso(now),
            model=self.model,
            targets_key=targets_key(batch_id),
            target_count=draft.target_count,
            request_count=draft.request_count,
            prompt_tokens=draft.tokens,
            answer_tokens=draft.answer_tokens,
            lease_until=int(now + lease),
        )

    def _store_targets(self, draft: Draft, summary: BatchSummary) -> None:
        draft.targets.seek(0)
        self.bucket.put_file(summary.targets_key, draft.targets)

    def _claim(self, draft: Draft, summary: BatchSummary) -> BatchSummary | None:
        """The batch with those of its labels that were to be had; it ends here if none was."""
        lost = claims.claim(self.table, draft.labels(), summary.batch_id)
        if not lost:
            return summary
        logger().info("labels taken by others", extra={"n": len(lost)})
        draft.drop(lost)
        if not draft.request_count:
            reason = "others had taken all its labels"
            self._end(summary, BatchStatus.CANCELLED, reason)
            return None
        self._store_targets(draft, summary)
        return summaries.recount(self.table, summary, draft)

    def _start_job(self, draft: Draft, summary: BatchSummary) -> Job:
        asked = False
        try:
            name = f"{self.table.name}-{summary.batch_id}.jsonl"
            file_id = self.jobs.upload(name, draft.lines, expires_after_seconds=_FILE_SECONDS)
            self._check_lease(summary)
            asked = True
            metadata = {"batch_id": summary.batch_id, "stack": self.table.name}
            return self.jobs.create(file_id, metadata=metadata)
        except (OpenAIRejectedError, OpenAIUnavailableError) as error:
            queue_is_full = _QUEUE_IS_FULL.search(str(error)) is not None
            if asked and isinstance(error, OpenAIUnavailableError) and not queue_is_full:
                raise  # there may be a job all the same
            logger().warning("batch refused", extra=describe(error))
            self._take_back(draft, summary, str(error))
            if not queue_is_full:
                raise
            capacity.learn_limit(self.table, str(error), self.clock())
            reason = f"OpenAI's queue is full: {error}"
            raise QueueFullError(reason, labels=draft.target_count) from error

    def _check_lease(self, summary: BatchSummary) -> None:
        """LeaseLostError if a job that is asked for now might come after the batch's release."""
        if self.clock() + self.call_seconds > summary.lease_until:
            raise LeaseLostError(f"the lease on batch {summary.batch_id} ends before it is sent")

    def _take_back(self, draft: Draft, summary: BatchSummary, reason: str) -> None:
        """Undo what was done for a batch that has no job for sure."""
        count(Metric.LABELS_RELEASED, claims.release(self.table, draft.labels(), summary.batch_id))
        self._end(summary, BatchStatus.FAILED, reason)

    def _end(self, summary: BatchSummary, status: BatchStatus, reason: str) -> None:
        if summaries.end(self.table, summary, status, reason=reason, now=self.clock()):
            count(Metric(f"Batches{status.title()}"))

    def _hand_over(self, summary: BatchSummary, job: Job) -> None:
        if summaries.hand_over(self.table, summary, job):
            return
        current = batch_summary(self.table, summary.batch_id)
        if current is None or current.openai_batch_id != job.id:
            self.jobs.cancel(job.id)
            raise LeaseLostError(f"batch {summary.batch_id} was released while it was submitted")
