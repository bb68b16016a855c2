"""The second step of ``CompletionPollFlow``: a finished job's files become chunks in S3.

Nothing is judged here. Each line is matched to its request by its custom id alone, so that every
target of the batch is in exactly one entry of one chunk, whatever the files hold.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from boto3.dynamodb.conditions import Attr
from pydantic import TypeAdapter, ValidationError

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job, JobError
from functions.clients.s3 import Bucket
from functions.completions import capacity
from functions.completions.batches import BatchSummary
from functions.completions.chunks import chunks_key
from functions.completions.collection.cutting import WRITES_AT_ONCE, ChunkWriter
from functions.completions.collection.job_ends import ENDS
from functions.completions.collection.job_statuses import (
    JOB_IS_GONE,
    QUEUE_IS_FULL,
    current_job,
    is_over,
)
from functions.completions.collection.request_index import RequestIndex
from functions.completions.collection.result_lines import UnreadableLineError, custom_id, raw_lines
from functions.completions.labels import batch_summary
from functions.completions.messages import ChunkRef, CollectedBatch
from functions.completions.vocabulary import BatchStatus
from functions.errors import InvalidItemError, OpenAINotFoundError, OpenAIUnavailableError
from functions.excerpts import excerpt
from functions.metrics import Metric
from functions.observability import count, describe, logger

_CHUNKS = TypeAdapter(list[ChunkRef])
_ERRORS_NAMED = 3
# Of one error; it is repeated in the record of each target.
_MOST_CHARACTERS = 500


def collect(
    table: Table, bucket: Bucket, jobs: BatchJobs, *, batch_id: str, now: float
) -> CollectedBatch:
    """Cut what a batch's job has left into chunks; doing it again makes the same ones.

    A batch that is at its end already keeps the chunks that it has: they are applied without
    effect. ``now`` is Unix seconds. OpenAIUnavailableError if the job has not ended,
    InvalidItemError if the batch is not what it should be.
    """
    summary = batch_summary(table, batch_id)
    if summary is None:
        raise InvalidItemError(f"there is no batch {batch_id}")
    if summary.status is not BatchStatus.PENDING:
        return _collected(summary, bucket, _chunks_there(summary, bucket))
    job = current_job(jobs, summary, now)
    if job.status not in ENDS:
        raise OpenAIUnavailableError(f"job {job.id} had ended, and now it is {job.status}")
    _learn_from(job, table, now)
    with (
        RequestIndex.of(bucket, summary.targets_key) as requests,
        ThreadPoolExecutor(max_workers=WRITES_AT_ONCE) as pool,
    ):
        cut = _Cut(requests=requests, chunks=ChunkWriter(bucket, batch_id, pool))
        # In this order: of two lines for one request, that of the output file counts.
        for file_id in (job.output_file_id, job.error_file_id):
            if file_id is not None:
                _cut_file(cut, jobs, file_id, lost_is_lost=is_over(summary, now))
        cut.unanswered(job)
        chunks = cut.chunks.finish()
    _record(table, summary, job, cut.lines_without_answer)
    logger().info(
        "batch collected",
        extra={"openai_batch_id": job.id, "status": job.status, "chunks": chunks},
    )
    return _collected(summary, bucket, chunks)


@dataclass(kw_only=True)
class _Cut:
    """A job's lines and requests on their way into chunks."""

    requests: RequestIndex
    chunks: ChunkWriter
    lines_without_answer: int = 0
    _answered: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self._answered = bytearray(len(self.requests))

    def line(self, name: str, text: bytes) -> None:
        """A line that names a request."""
        place = self.requests.place(name)
        if place is None:
            self.foreign_line(text, "the batch has no request of this custom_id")
        elif self._answered[place]:
            self.foreign_line(text, "another line answers the request of this custom_id")
        else:
            self._answered[place] = True
            self.chunks.add_line(text, request=self.requests.line(place))

    def foreign_line(self, text: bytes, reason: str) -> None:
        """A line that answers nothing."""
        self.lines_without_answer += 1
        self.chunks.add_line(text, request=None, reason=reason)

    def unanswered(self, job: Job) -> None:
        """All requests that no line has answered."""
        reason = _reason(job) or f"the job is {job.status} and has no line for this request"
        in_vain = not {error.code for error in job.errors} & {QUEUE_IS_FULL, JOB_IS_GONE}
        refused = _refused(job)
        for place, answered in enumerate(self._answered):
            if not answered:
                self.chunks.add_unanswered(
                    self.requests.line(place),
                    reason=refused.get(place, reason),
                    counts_attempt=in_vain,
                    needs_review=place in refused,
                )


def _cut_file(cut: _Cut, jobs: BatchJobs, file_id: str, *, lost_is_lost: bool) -> None:
    """Cut a file of lines as it arrives.

    One that is gone is an error, unless it will not come any more: then its requests were asked in
    vain, and their labels are not kept waiting.
    """
    try:
        with jobs.content(file_id) as blocks:
            for line in raw_lines(blocks):
                try:
                    name = custom_id(line)
                except UnreadableLineError as error:
                    cut.foreign_line(line, str(error))
                else:
                    cut.line(name, line)
    except OpenAINotFoundError as error:
        if not lost_is_lost:
            raise
        count(Metric.RESULT_FILES_GONE)
        logger().error("a file of answers is gone", extra=describe(error))


def _refused(job: Job) -> Mapping[int, str]:
    """The places of the requests that OpenAI would refuse again, with its messages."""
    return {
        error.line - 1: _told(error)
        for error in job.errors
        if error.line is not None and error.code != QUEUE_IS_FULL
    }


def _reason(job: Job) -> str | None:
    """Why a job failed."""
    return "; ".join(_told(error) for error in job.errors[:_ERRORS_NAMED]) or None


def _told(error: JobError) -> str:
    """What OpenAI says, as far as an item takes it: not all of it, and no half of a character."""
    return excerpt(f"{error.code}: {error.message}", _MOST_CHARACTERS)


def _learn_from(job: Job, table: Table, now: float) -> None:
    """A full queue is no error of the batch's: it is only asked again later."""
    for error in job.errors:
        if error.code == QUEUE_IS_FULL:
            limit = capacity.learn_limit(table, error.message, now)
            count(Metric.QUEUED_TOKEN_LIMIT)
            logger().info("OpenAI's queue is full", extra={"job_id": job.id, "limit": limit})


def _record(table: Table, summary: BatchSummary, job: Job, lines_without_answer: int) -> None:
    changes = {
        "openai_status": job.status,
        "result_file_id": job.output_file_id,
        "error_file_id": job.error_file_id,
        "input_tokens": job.input_tokens,
        "output_tokens": job.output_tokens,
        "cached_tokens": job.cached_tokens,
        "lines_without_answer": lines_without_answer,
        "reason": _reason(job),
    }
    # If it does not hold, another run has just finished the batch from the same chunks.
    table.update(
        summary.key,
        {name: value for name, value in changes.items() if value is not None},
        when=Attr("status").eq(BatchStatus.PENDING),
    )
    if lines_without_answer:
        count(Metric.LINES_WITHOUT_ANSWER, lines_without_answer)


def _chunks_there(summary: BatchSummary, bucket: Bucket) -> int:
    key = chunks_key(summary.batch_id)
    listed = bucket.get(key)
    if listed is None:
        raise InvalidItemError(f"batch {summary.batch_id} is {summary.status}, without {key}")
    try:
        return len(_CHUNKS.validate_json(listed))
    except ValidationError:
        raise InvalidItemError(f"{key} is no list of chunks") from None


def _collected(summary: BatchSummary, bucket: Bucket, chunks: int) -> CollectedBatch:
    return CollectedBatch(
        batch_id=summary.batch_id,
        bucket=bucket.name,
        chunks_key=chunks_key(summary.batch_id),
        chunks=chunks,
    )
