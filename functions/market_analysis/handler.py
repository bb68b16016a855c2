"""The function behind the ``MarketAnalysisQueue``."""

import time
import uuid
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients import aws
from functions.clients.dynamodb import Table
from functions.clients.openai import OpenAIService
from functions.clients.secrets import Secret
from functions.clients.sqs import Queue
from functions.deliveries import Delivery, Failure, batch_response, read_deliveries, side_by_side
from functions.environment import MarketAnalysisEnvironment
from functions.market_analysis.analyses import Analyses
from functions.market_analysis.research import research
from functions.messages import MarketAnalysisRequest
from functions.metrics import Metric
from functions.observability import about, count, logger, measure, observed

# Research with file search takes its time; the function itself has five minutes.
_OPENAI_TIMEOUT_SECONDS = 120


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Analyse what each message asks for; those that failed go back to the queue, alone."""
    environment, openai, table, queue = _collaborators()
    lease_until = int(time.time() + context.get_remaining_time_in_millis() / 1000) + 1

    def work(delivery: Delivery) -> None:
        owner = uuid.uuid4().hex  # of two deliveries of one run, one has to wait
        analyses = Analyses(table, owner=owner, lease_until=lease_until, clock=time.time)
        analyse(delivery, model=environment.analysis_model, openai=openai, analyses=analyses)

    deliveries = read_deliveries(event)
    failures = [
        Failure(delivery=delivery, error=outcome)
        for delivery, outcome in zip(deliveries, side_by_side(work, deliveries), strict=True)
        if isinstance(outcome, BaseException)
    ]
    return batch_response(failures, queue=queue, reasons=table)


def analyse(delivery: Delivery, *, model: str, openai: OpenAIService, analyses: Analyses) -> None:
    """Research and store the analysis that a message asks for, unless its batch's is stored."""
    request = MarketAnalysisRequest.parse_json(delivery.body)
    with about(
        "analysis",
        message_id=delivery.message_id,
        batch_id=request.batch_id,
        vector_store_id=request.vector_store_id,
    ):
        _analyse(request, delivery, model=model, openai=openai, analyses=analyses)


def _analyse(
    request: MarketAnalysisRequest,
    delivery: Delivery,
    *,
    model: str,
    openai: OpenAIService,
    analyses: Analyses,
) -> None:
    # Without a batch, one message is one run.
    run = f"BATCH#{request.batch_id}" if request.batch_id else f"MESSAGE#{delivery.message_id}"
    try:
        if not analyses.claim(request, run):
            logger().info("already analysed", extra={"run": run})
            return
        analysis, hits = research(request, model=model, openai=openai)
        version = analyses.store(request, run, analysis, hits)
    except Exception:
        # It may be in hand though claiming it failed, if only the answer was lost.
        analyses.release(request, run)
        raise
    count(Metric.ANALYSES_STORED)
    if request.requested_at is not None:
        measure(Metric.MESSAGE_TO_ANALYSIS, max(0, time.time() - request.requested_at))
    logger().info("analysis stored", extra={"run": run, "version": version, "sources": len(hits)})


@cache
def _collaborators() -> tuple[MarketAnalysisEnvironment, OpenAIService, Table, Queue]:
    environment = MarketAnalysisEnvironment.load()
    openai = OpenAIService(
        Secret(environment.openai_api_key_secret_arn),
        base_url=environment.openai_base_url,
        timeout_seconds=_OPENAI_TIMEOUT_SECONDS,
    )
    queue = Queue(
        aws.client("sqs"),
        environment.queue_url,
        retry_delay_seconds=environment.retry_delay_seconds,
    )
    return environment, openai, Table.named(environment.analyses_table), queue
