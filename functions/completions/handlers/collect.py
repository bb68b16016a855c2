"""``Collect`` of ``CompletionPollFlow``."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients import aws
from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.clients.secrets import Secret
from functions.completions.collection.collecting import collect
from functions.completions.messages import BatchOfRun
from functions.environment import CollectEnvironment
from functions.observability import identify, observed

_OPENAI_TIMEOUT_SECONDS = 30


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Where the batch's chunks are, and how many."""
    batch = BatchOfRun.parse(event)
    identify(batch_id=batch.batch_id, execution=batch.execution)
    table, bucket, jobs = _collaborators()
    return collect(table, bucket, jobs, batch_id=batch.batch_id, now=time.time()).to_wire()


@cache
def _collaborators() -> tuple[Table, Bucket, BatchJobs]:
    environment = CollectEnvironment.load()
    jobs = BatchJobs(
        Secret(environment.openai_api_key_secret_arn),
        base_url=environment.openai_base_url,
        timeout_seconds=_OPENAI_TIMEOUT_SECONDS,
        max_retries=0,  # the state machine's retriers wait better and cost nothing meanwhile
    )
    bucket = Bucket(aws.client("s3"), environment.batch_bucket)
    return Table.named(environment.label_table), bucket, jobs
