"""``CheckBatchStatus`` of ``VectorStoreBatchFlow``."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients.dynamodb import Table
from functions.clients.openai import FailedFile, OpenAIService
from functions.clients.secrets import Secret
from functions.environment import CheckBatchEnvironment
from functions.errors import BatchFailed, BatchPending
from functions.ingest.ledger import record_file_failure
from functions.messages import CompletedBatch, FileBatchRef
from functions.metrics import Metric
from functions.observability import count, identify, observed
from functions.vector_store_batch.check import check_batch

_OPENAI_TIMEOUT_SECONDS = 10


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """The input with ``status`` and ``fileCounts``, or BatchPending, or BatchFailed.

    Lambda counts each of these errors among its own, so what went wrong has metrics of its own.
    """
    count(Metric.FILE_BATCH_CHECKS)
    try:
        checked = _check(FileBatchRef.parse(event))
    except BatchPending:
        raise
    except BatchFailed:
        count(Metric.FILE_BATCHES_FAILED)
        raise
    except Exception:
        count(Metric.CHECK_FAILURES)
        raise
    count(Metric.FILE_BATCHES_COMPLETED)
    return checked.to_wire()


def _check(ref: FileBatchRef) -> CompletedBatch:
    identify(batch_id=ref.batch_id, vector_store_id=ref.vector_store_id)
    openai, ledger = _collaborators()

    def record(file: FailedFile) -> None:
        record_file_failure(
            ledger,
            str(file.attributes.get("ledgerKey", "")),
            batch_id=ref.batch_id,
            code=file.code,
            message=file.message,
        )

    return check_batch(ref, openai=openai, record_failure=record)


@cache
def _collaborators() -> tuple[OpenAIService, Table]:
    environment = CheckBatchEnvironment.load()
    openai = OpenAIService(
        Secret(environment.openai_api_key_secret_arn),
        base_url=environment.openai_base_url,
        timeout_seconds=_OPENAI_TIMEOUT_SECONDS,
        max_retries=0,  # the state machine's retriers wait better and cost nothing meanwhile
    )
    return openai, Table.named(environment.ingest_ledger_table)
