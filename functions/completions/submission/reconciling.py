"""Mending what crashes leave behind: every label that is PENDING belongs to a batch under way."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.s3 import Bucket
from functions.completions import summaries
from functions.completions.batches import BatchSummary, summary_key
from functions.completions.collection.job_ends import ENDS
from functions.completions.collection.job_statuses import is_over
from functions.completions.identifiers import LabelId
from functions.completions.labels import batches_with_status, labels_with_status, readable
from functions.completions.projection.projecting import retry_missing
from functions.completions.submission import claims
from functions.completions.targets import Request
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from functions.errors import FlowError, InvalidItemError
from functions.metrics import Metric
from functions.observability import count, describe, logger

# OpenAI's clock and ours may differ.
_JOBS_MARGIN_SECONDS = 3600
_RESULTS = ("adopted", "released", "cancelled", "failed", "labels", "orphans", "vectors")


class Reconciler:
    """One run at ``now``, in Unix seconds. What fails is left to the next run, it alone."""

    def __init__(self, table: Table, bucket: Bucket, jobs: BatchJobs, *, now: float) -> None:
        self._table = table
        self._bucket = bucket
        self._jobs = jobs
        self._now = now
        self._mended = Counter(dict.fromkeys(_RESULTS, 0))
        self._problems: list[FlowError] = []

    def reconcile(self) -> Mapping[str, int]:
        """Mend what can be mended, and then raise the first error that there was, if any.

        How many batches were adopted, released, cancelled or failed, how many labels were released
        with their batch, how many were orphans, and how many are projected once more although
        their words had no vectors.
        """
        self._attempt(self._mend_batches)
        self._attempt(self._free_orphans)
        self._attempt(self._retry_vectors)
        if self._problems:
            raise self._problems[0]
        return self._mended

    def _attempt(self, mend: Callable[[], None]) -> None:
        try:
            mend()
        except FlowError as error:
            logger().error("something is left to the next run", extra=describe(error))
            self._problems.append(error)

    def _mend_batches(self) -> None:
        """Find out about each batch whose submitter did not live to say whether it has a job."""
        found = batches_with_status(self._table, BatchStatus.SUBMITTING)
        overdue = [summary for summary in found if summary.lease_until < self._now]
        if overdue:
            jobs = self._jobs_since(min(summary.submitted_at for summary in overdue))
            for summary in overdue:
                self._attempt(partial(self._mend_batch, summary, jobs.get(summary.batch_id)))

    def _jobs_since(self, oldest: str) -> Mapping[str, Job]:
        """This stack's jobs by their batches."""
        since = datetime.fromisoformat(oldest).timestamp() - _JOBS_MARGIN_SECONDS
        return {
            job.metadata.get("batch_id", ""): job
            for job in self._jobs.created_since(since)
            if job.metadata.get("stack") == self._table.name
        }

    def _mend_batch(self, summary: BatchSummary, job: Job | None) -> None:
        released = summary.released_at is not None
        if job and not released:
            if summaries.hand_over(self._table, summary, job):
                self._note("adopted", summary, job)
        elif job:
            if job.status not in ENDS:
                self._jobs.cancel(job.id)
            self._end(summary, BatchStatus.CANCELLED, f"its job {job.id} came after its release")
        elif not released:
            self._release(summary)
        elif is_over(summary, self._now):
            self._end(summary, BatchStatus.FAILED, "no job was ever found")

    def _release(self, summary: BatchSummary) -> None:
        """Free the labels when none can get a job any more; they are orphans if this breaks off."""
        if summaries.release(self._table, summary, self._now):
            self._note("released", summary)
            labels = self._targets(summary)
            self._note_labels("labels", claims.release(self._table, labels, summary.batch_id))

    def _targets(self, summary: BatchSummary) -> Iterator[LabelId]:
        content = self._bucket.get(summary.targets_key)
        if content is None:
            missing = f"batch {summary.batch_id} has no targets at {summary.targets_key}"
            raise InvalidItemError(missing)
        for line in content.splitlines():
            yield from Request.from_line(line).targets

    def _end(self, summary: BatchSummary, status: BatchStatus, reason: str) -> None:
        if summaries.end(self._table, summary, status, reason=reason, now=self._now):
            self._note(status.lower(), summary)

    def _free_orphans(self) -> None:
        """Have labels wait again whose batch is not there any more, or is over."""
        orphans: dict[str | None, list[LabelId]] = defaultdict(list)
        over: dict[str | None, bool] = {}
        for label in labels_with_status(self._table, ValidationStatus.PENDING):
            if label.batch_id not in over:
                over[label.batch_id] = self._holds_nothing(label.batch_id)
            if over[label.batch_id]:
                orphans[label.batch_id].append(label.id)
        for batch_id, labels in orphans.items():
            self._attempt(partial(self._free, batch_id, labels))

    def _holds_nothing(self, batch_id: str | None) -> bool:
        """Whether no label can be this batch's; one that cannot be read may still be under way."""
        item = self._table.get(summary_key(batch_id)) if batch_id else None
        if item is None:
            return True
        summary = readable(BatchSummary.from_item, item)
        return summary is not None and (
            summary.status in ENDS.values() or summary.released_at is not None
        )

    def _free(self, batch_id: str | None, labels: Sequence[LabelId]) -> None:
        self._note_labels("orphans", claims.release(self._table, labels, batch_id))

    def _retry_vectors(self) -> None:
        self._mended["vectors"] += retry_missing(self._table)

    def _note(self, what: str, summary: BatchSummary, job: Job | None = None) -> None:
        self._mended[what] += 1
        count(Metric(f"Batches{what.title()}"))
        about = {"batch_id": summary.batch_id, "openai_batch_id": job.id if job else None}
        logger().warning(f"batch {what}", extra=about)

    def _note_labels(self, what: str, number: int) -> None:
        self._mended[what] += number
        if number:
            count(Metric.LABELS_RELEASED, number)
