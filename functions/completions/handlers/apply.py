"""``Apply`` of ``CompletionPollFlow``, once for each chunk of a batch."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients import aws
from functions.clients.dynamodb import Table
from functions.clients.s3 import Bucket
from functions.completions.judgement.applying import apply
from functions.completions.messages import ChunkRef
from functions.environment import ApplyEnvironment
from functions.observability import identify, observed


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Nothing: what the chunk says is in the table then."""
    chunk = ChunkRef.parse(event)
    identify(batch_id=chunk.batch_id, chunk=chunk.chunk)
    environment, table, bucket = _collaborators()
    apply(
        chunk,
        table=table,
        bucket=bucket,
        max_attempts=environment.completion_max_attempts,
        clock=time.time,
    )
    return {}


@cache
def _collaborators() -> tuple[ApplyEnvironment, Table, Bucket]:
    environment = ApplyEnvironment.load()
    bucket = Bucket(aws.client("s3"), environment.batch_bucket)
    return environment, Table.named(environment.label_table), bucket
