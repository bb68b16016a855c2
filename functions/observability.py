"""One logger and one set of metrics for all functions, made on first use."""

import threading
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

Handler = Callable[[dict[str, Any], LambdaContext], Any]

_counting = threading.Lock()


@cache
def logger() -> Logger:
    """JSON lines, with the function's name and the invocation's id in each."""
    return Logger()


@cache
def metrics() -> Metrics:
    """CloudWatch metrics in the embedded metric format, written when an invocation ends."""
    return Metrics(namespace="OpenAIBatchFlows")


def count(name: str, value: int = 1) -> None:
    """Add to a counter of this invocation; from any thread."""
    with _counting:  # Powertools itself loses what two threads add at once
        metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)


def observed(handler: Handler) -> Handler:
    """Give every log line the invocation's id, and write its metrics however it ends."""

    @wraps(handler)
    def wrapper(event: dict[str, Any], context: LambdaContext) -> Any:
        logger().append_keys(
            function_request_id=context.aws_request_id, function_name=context.function_name
        )
        try:
            return handler(event, context)
        finally:
            if metrics().metric_set:  # Powertools warns of having nothing to write
                metrics().flush_metrics()

    return wrapper


def describe(error: BaseException) -> Mapping[str, str]:
    """An error as two fields of a log line."""
    return {"error": type(error).__name__, "detail": str(error)}
