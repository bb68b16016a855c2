"""``ListPendingBatches`` of ``CompletionPollFlow``."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.secrets import Secret
from functions.completions.collection.listing import PollLimits, batches_to_collect
from functions.completions.messages import PendingWork, PollRequest
from functions.completions.projection.projecting import anything_unprojected
from functions.environment import ListPendingEnvironment
from functions.observability import identify, observed

_OPENAI_TIMEOUT_SECONDS = 10


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """The batches to be collected now, and whether words wait to be projected."""
    request = PollRequest.parse(event)
    identify(openai_batch_id=request.openai_batch_id)
    environment, table, jobs = _collaborators()
    batches = batches_to_collect(
        table,
        jobs,
        limits=PollLimits(
            max_batches=environment.completion_poll_max_batches,
            validating_timeout_seconds=environment.completion_validating_timeout_seconds,
        ),
        now=time.time(),
        openai_batch_id=request.openai_batch_id,
    )
    return PendingWork(
        batches=batches,
        unprojected=environment.projection_enabled and anything_unprojected(table),
    ).to_wire()


@cache
def _collaborators() -> tuple[ListPendingEnvironment, Table, BatchJobs]:
    environment = ListPendingEnvironment.load()
    jobs = BatchJobs(
        Secret(environment.openai_api_key_secret_arn),
        base_url=environment.openai_base_url,
        timeout_seconds=_OPENAI_TIMEOUT_SECONDS,
        max_retries=0,  # the next run asks again
    )
    return environment, Table.named(environment.label_table), jobs
