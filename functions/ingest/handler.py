"""The function behind the ``DownloadQueue``."""

import time
import uuid
from functools import cache
from typing import Any, NamedTuple

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients import aws
from functions.clients.dynamodb import Table
from functions.clients.openai import OpenAIService
from functions.clients.secrets import Secret
from functions.clients.sqs import Queue
from functions.clients.step_functions import StateMachine
from functions.clients.web import DownloadLimits, download
from functions.deliveries import batch_response, read_deliveries
from functions.environment import IngestEnvironment
from functions.ingest.handover import Handover
from functions.ingest.ingest import Ingest
from functions.ingest.ledger import Ledger
from functions.ingest.preparation import Preparation
from functions.ingest.vector_stores import VectorStores
from functions.observability import observed

# An upload may be of tens of megabytes; the function itself has five minutes.
_OPENAI_TIMEOUT_SECONDS = 60


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Ingest the event's records; those that failed go back to the queue, alone."""
    shared = _collaborators()
    lease_until = int(time.time() + context.get_remaining_time_in_millis() / 1000) + 1
    ingest = _ingest(owner=uuid.uuid4().hex, lease_until=lease_until)
    return batch_response(
        ingest.run(read_deliveries(event)), queue=shared.queue, reasons=shared.ledger_table
    )


def _ingest(*, owner: str, lease_until: int) -> Ingest:
    environment, openai, table, flow, _ = _collaborators()
    ledger = Ledger(
        table,
        owner=owner,
        lease_until=lease_until,
        refresh_after_seconds=environment.ingest_refresh_after_seconds,
        clock=time.time,
    )
    stores = VectorStores(
        table=table,
        openai=openai,
        owner=owner,
        lease_until=lease_until,
        clock=time.time,
        expires_after_days=environment.vector_store_expires_after_days,
    )
    limits = DownloadLimits(
        max_bytes=environment.download_max_bytes,
        timeout_seconds=environment.download_timeout_seconds,
        ports=environment.download_ports,
        allow_loopback=environment.download_allow_loopback,
    )
    preparation = Preparation(
        ledger=ledger,
        openai=openai,
        download=lambda url: download(url, limits),
        min_characters=environment.download_min_characters,
        fallback_model=environment.fallback_model,
        # The table's physical name is this stack's alone.
        stack_mark=table.name,
        clock=time.time,
    )
    return Ingest(
        preparation=preparation,
        handover=Handover(ledger=ledger, stores=stores, openai=openai, flow=flow),
        max_files=environment.vector_store_batch_max_files,
    )


class _Collaborators(NamedTuple):
    """What outlives an invocation: settings and connections."""

    environment: IngestEnvironment
    openai: OpenAIService
    ledger_table: Table
    flow: StateMachine
    queue: Queue


@cache
def _collaborators() -> _Collaborators:
    environment = IngestEnvironment.load()
    return _Collaborators(
        environment=environment,
        openai=OpenAIService(
            Secret(environment.openai_api_key_secret_arn),
            base_url=environment.openai_base_url,
            timeout_seconds=_OPENAI_TIMEOUT_SECONDS,
        ),
        ledger_table=Table.named(environment.ingest_ledger_table),
        flow=StateMachine(aws.client("stepfunctions"), environment.vector_store_batch_flow_arn),
        queue=Queue(
            aws.client("sqs"),
            environment.queue_url,
            retry_delay_seconds=environment.retry_delay_seconds,
        ),
    )
