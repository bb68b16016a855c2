"""Mends what crashes left behind; run on a schedule."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients import aws
from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.clients.secrets import Secret
from functions.completions.submission.reconciling import Reconciler
from functions.environment import ReconcileEnvironment
from functions.observability import observed

_OPENAI_TIMEOUT_SECONDS = 30


@observed
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """How much was mended, by kind."""
    table, bucket, jobs = _collaborators()
    return dict(Reconciler(table, bucket, jobs, now=time.time()).reconcile())


@cache
def _collaborators() -> tuple[Table, Bucket, BatchJobs]:
    environment = ReconcileEnvironment.load()
    jobs = BatchJobs(
        Secret(environment.openai_api_key_secret_arn),
        base_url=environment.openai_base_url,
        timeout_seconds=_OPENAI_TIMEOUT_SECONDS,
    )
    bucket = Bucket(aws.client("s3"), environment.batch_bucket)
    return Table.named(environment.label_table), bucket, jobs
