"""Asks OpenAI about the labels that wait for a verdict; run on a schedule."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients import aws
from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.clients.secrets import Secret
from functions.completions.submission.budgets import Budget, Spending
from functions.completions.submission.sending import Sender
from functions.completions.submission.submitting import SubmitLimits, submit
from functions.costs import dollars
from functions.environment import SubmitEnvironment
from functions.observability import observed

# OpenAI may take its time with the last byte of 200 MB.
_OPENAI_TIMEOUT_SECONDS = 120


@observed
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The batches that were submitted, how many labels wait on, and why; and what that costs."""
    environment, table, bucket, jobs = _collaborators()
    sender = Sender(
        table=table,
        bucket=bucket,
        jobs=jobs,
        model=environment.completion_model,
        clock=time.time,
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        call_seconds=_OPENAI_TIMEOUT_SECONDS,
    )
    limits = SubmitLimits(
        requests=environment.completion_batch_max_requests,
        bytes=environment.completion_batch_max_bytes,
        enqueued_tokens=environment.completion_max_enqueued_tokens,
    )
    max_usd = environment.completion_max_cost_usd
    budget = None if max_usd is None else Budget.of(environment.completion_model, max_usd)
    submitted = submit(sender, limits, budget)
    return {
        "batches": [
            {
                "batchId": batch.batch_id,
                "openaiBatchId": batch.openai_batch_id,
                "requests": batch.request_count,
                "targets": batch.target_count,
                "promptTokens": batch.prompt_tokens,
            }
            for batch in submitted.batches
        ],
        "waiting": submitted.waiting,
        "reason": submitted.reason,
        "budget": None if submitted.spending is None else _told(submitted.spending),
    }


def _told(spending: Spending) -> dict[str, Any]:
    """USD as decimal text, which loses nothing."""
    return {
        "maxUsd": dollars(spending.max_usd),
        "spentUsd": dollars(spending.spent_usd),
        "wouldCostUsd": dollars(spending.would_cost_usd),
        "atLeast": spending.at_least,
    }


@cache
def _collaborators() -> tuple[SubmitEnvironment, Table, Bucket, BatchJobs]:
    environment = SubmitEnvironment.load()
    jobs = BatchJobs(
        Secret(environment.openai_api_key_secret_arn),
        base_url=environment.openai_base_url,
        timeout_seconds=_OPENAI_TIMEOUT_SECONDS,
    )
    bucket = Bucket(aws.client("s3"), environment.batch_bucket)
    return environment, Table.named(environment.label_table), bucket, jobs
