"""``VectorStoreBatchFlow``: poll one file batch until it has ended."""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pydantic import Field
from pydantic.dataclasses import dataclass

from infra.checked import CHECKED
from infra.state_machines.retriers import transient_retrier

CHECK_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class Polling:
    """How a file batch is waited for."""

    interval_seconds: int = Field(default=10, ge=1, le=86_400)
    """Seconds between two checks of a file batch (1 to 86400)."""
    max_attempts: int = Field(default=10, ge=0, le=8_000)
    """Checks after the first one before a file batch ends in PollTimeout (0 to 8000)."""
    backoff_rate: float = Field(default=1.0, ge=1, le=10)
    """What the interval is multiplied by after each check, a number from 1 to 10."""
    max_delay_seconds: int = Field(default=300, ge=1, le=86_400)
    """The longest interval that the back-off rate leads to."""
    flow_timeout_seconds: int = Field(default=3_600, ge=60, le=31_536_000)
    """How long one execution of VectorStoreBatchFlow may take in all."""


def poll_delays(polling: Polling) -> Iterator[float]:
    """The seconds between the checks, as Step Functions works them out."""
    delay = float(polling.interval_seconds)
    for _ in range(polling.max_attempts):
        yield delay
        delay *= polling.backoff_rate
        if polling.backoff_rate > 1:
            delay = min(delay, polling.max_delay_seconds)


def vector_store_batch_flow(
    *,
    polling: Polling,
    check_function_arn: pulumi.Input[str],
    notify_queue_url: pulumi.Input[str],
    dead_letter_queue_url: pulumi.Input[str],
) -> dict[str, Any]:
    """Poll a file batch; when it has completed tell the market analysis, else keep a dead letter.

    Its input is a ``FileBatchRef`` of functions/messages.py with every key there.
    """
    return {
        "Comment": "Waits for one file batch of an OpenAI vector store",
        "StartAt": "CheckBatchStatus",
        "TimeoutSeconds": polling.flow_timeout_seconds,
        "States": {
            "CheckBatchStatus": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": check_function_arn, "Payload.$": "$"},
                "OutputPath": "$.Payload",
                "TimeoutSeconds": CHECK_TIMEOUT_SECONDS,
                "Retry": [_poll_retrier(polling), transient_retrier()],
                "Catch": [
                    _catch(["BatchPending"], "KeepTimedOutBatch"),
                    _catch(["BatchFailed"], "KeepFailedBatch"),
                    _catch(["States.ALL"], "KeepFailedBatch"),
                ],
                "Next": "NotifyMarketAnalysis",
            },
            "NotifyMarketAnalysis": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"QueueUrl": notify_queue_url, "MessageBody": _notification()},
                "Retry": [transient_retrier(["States.ALL"])],
                "Catch": [_catch(["States.ALL"], "KeepFailedBatch")],
                "Next": "Notified",
            },
            "Notified": {"Type": "Succeed"},
            "KeepFailedBatch": _keep(dead_letter_queue_url, "BatchDidNotComplete"),
            "BatchDidNotComplete": {
                "Type": "Fail",
                "ErrorPath": "$.failure.Error",
                "CausePath": "$.failure.Cause",
            },
            "KeepTimedOutBatch": _keep(dead_letter_queue_url, "PollTimeout"),
            "PollTimeout": {
                "Type": "Fail",
                "Error": "PollTimeout",
                "CausePath": "$.failure.Cause",
            },
        },
    }


def _poll_retrier(polling: Polling) -> dict[str, Any]:
    retrier: dict[str, Any] = {
        "ErrorEquals": ["BatchPending"],
        "IntervalSeconds": polling.interval_seconds,
        "MaxAttempts": polling.max_attempts,
        "BackoffRate": polling.backoff_rate,
    }
    if polling.backoff_rate > 1:
        retrier["MaxDelaySeconds"] = polling.max_delay_seconds
    return retrier


def _catch(errors: list[str], state: str) -> dict[str, Any]:
    return {"ErrorEquals": errors, "ResultPath": "$.failure", "Next": state}


def _notification() -> Mapping[str, str]:
    """A ``MarketAnalysisRequest`` of functions/messages.py."""
    context = (
        "legalName",
        "domain",
        "customerDomain",
        "subjectType",
        "industries",
        "markets",
    )
    return {f"{field}.$": f"$.context.{field}" for field in context} | {
        "vectorStoreId.$": "$.vectorStoreId",
        "batchId.$": "$.batchId",
        "requestedAt.$": "$.requestedAt",
    }


def _keep(dead_letter_queue_url: pulumi.Input[str], then: str) -> dict[str, Any]:
    """Send the whole input with the cause to the dead-letter queue, then end in ``then``.

    If even that fails the execution ends all the same: the event rule on failed executions feeds
    the same queue.
    """
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {
            "QueueUrl": dead_letter_queue_url,
            "MessageBody": {
                "executionArn.$": "$$.Execution.Id",
                "input.$": "$$.Execution.Input",
                "error.$": "$.failure.Error",
                "cause.$": "$.failure.Cause",
            },
        },
        "ResultPath": None,
        "Retry": [transient_retrier(["States.ALL"])],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": then}],
        "Next": then,
    }
