"""What a file batch's status means for the flow that waits for it."""

from collections.abc import Callable

from functions.clients.openai import FailedFile, FileBatch, OpenAIService
from functions.errors import BatchFailed, BatchPending, OpenAINotFoundError
from functions.messages import CompletedBatch, FileBatchRef, FileCounts
from functions.metrics import Metric
from functions.observability import count, logger

FileFailureRecorder = Callable[[FailedFile], None]


def check_batch(
    ref: FileBatchRef, *, openai: OpenAIService, record_failure: FileFailureRecorder
) -> CompletedBatch:
    """The batch if it has completed with at least one file that can be searched.

    BatchPending while it is under way, BatchFailed if it ended with nothing to search. Each file
    that failed is recorded with its reason, however the batch ended.
    """
    try:
        batch = openai.file_batch(ref.vector_store_id, ref.batch_id)
    except OpenAINotFoundError as error:
        raise BatchFailed(f"{ref.batch_id} or its vector store has gone: {error}") from error
    logger().info(
        "file batch checked",
        extra={"status": batch.status, "to_go": batch.in_progress, "files": batch.total},
    )
    if batch.status not in ("completed", "failed", "cancelled"):
        raise BatchPending(
            f"{ref.batch_id} is {batch.status}: {batch.in_progress} of {batch.total} files to go"
        )
    if batch.failed:
        _record_failures(ref, openai, record_failure)
    if batch.status != "completed":
        raise BatchFailed(f"{ref.batch_id} {batch.status}: {_counted(batch)}")
    if not batch.completed:
        raise BatchFailed(f"{ref.batch_id} completed without any file: {_counted(batch)}")
    return CompletedBatch(
        **dict(ref),
        file_counts=FileCounts(
            in_progress=batch.in_progress,
            completed=batch.completed,
            failed=batch.failed,
            cancelled=batch.cancelled,
            total=batch.total,
        ),
    )


def _record_failures(
    ref: FileBatchRef, openai: OpenAIService, record_failure: FileFailureRecorder
) -> None:
    for file in openai.failed_files(ref.vector_store_id, ref.batch_id):
        record_failure(file)
        count(Metric.FILES_FAILED)
        logger().warning(
            "file failed in its batch",
            extra={"batch_id": ref.batch_id, "file_id": file.file_id, "code": file.code},
        )


def _counted(batch: FileBatch) -> str:
    return f"{batch.failed} failed, {batch.cancelled} cancelled, {batch.total} in all"
