"""One logger, one set of metrics and the traces of all functions, made on first use.

Whoever has one id finds the rest: ``identify`` puts an invocation's ids into all of its log lines,
``about`` those of one document or batch into the lines about it, whichever thread writes them.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import tracing
from functions.errors import BatchPending, FlowError
from functions.metrics import MODEL, Metric

Handler = Callable[[dict[str, Any], LambdaContext], Any]

_counting = threading.Lock()
_by_model: dict[str, EphemeralMetrics] = {}
_identified: list[str] = []
"""The keys that go when the invocation ends."""


@cache
def logger() -> Logger:
    """JSON lines, with the function's name and the invocation's id in each."""
    return Logger()


@cache
def metrics() -> Metrics:
    """CloudWatch metrics in the embedded metric format, written when an invocation ends."""
    return Metrics(namespace=_namespace())


def metrics_of(model: str) -> EphemeralMetrics:
    """Those that are kept for each model apart."""
    if model not in _by_model:
        _by_model[model] = EphemeralMetrics(
            namespace=_namespace(), default_dimensions={MODEL: model}
        )
    return _by_model[model]


def _namespace() -> str:
    """The stack's own, so that two stacks of an account do not mix."""
    return os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "openai-batch-flows")


def count(metric: Metric, number: int = 1) -> None:
    """Add to a counter of this invocation; from any thread."""
    measure(metric, number)


def measure(metric: Metric, value: float) -> None:
    """Note a value of a metric, in the metric's unit; from any thread."""
    with _counting:  # Powertools itself loses what two threads add at once
        metrics().add_metric(name=metric.value, unit=metric.unit, value=value)


def measure_model(model: str, values: Mapping[Metric, float]) -> None:
    """Note values of metrics that are kept for each model apart; from any thread."""
    with _counting:
        for metric, value in values.items():
            metrics_of(model).add_metric(name=metric.value, unit=metric.unit, value=value)


def write_metrics() -> None:
    """Write what has been counted and measured, each on a line of its own."""
    every: list[Metrics | EphemeralMetrics] = [metrics(), *_by_model.values()]
    for found in every:
        if found.metric_set:  # Powertools warns of having nothing to write
            found.flush_metrics()


def forget_metrics() -> None:
    """Throw away what has been counted and measured since it was last written."""
    metrics().clear_metrics()
    _by_model.clear()


def observed(handler: Handler) -> Handler:
    """Give every log line the invocation's ids, trace it, and write its metrics however it ends."""

    @wraps(handler)
    def wrapper(event: dict[str, Any], context: LambdaContext) -> Any:
        logger().append_keys(
            function_request_id=context.aws_request_id, function_name=context.function_name
        )
        try:
            return tracing.traced(handler)(event, context)
        except BatchPending:
            raise  # as it should
        except Exception as error:
            # Lambda writes the error too, but without the ids. A defect wants its traceback.
            logger().error(
                "invocation failed",
                extra=describe(error),
                exc_info=None if isinstance(error, FlowError) else error,
            )
            raise
        finally:
            logger().remove_keys(_identified)
            _identified.clear()
            write_metrics()

    return wrapper


def identify(**ids: str | None) -> None:
    """Put the ids of what this invocation is about into its log lines and its trace.

    They go with the invocation, of which a process has one at a time. One that is None is left out.
    """
    known = _known(ids)
    logger().append_keys(**known)
    _identified.extend(known)
    tracing.annotate(known)


@contextmanager
def about(what: str, **ids: str | None) -> Iterator[None]:
    """Put these ids into the lines that this thread logs in here, and into no other thread's.

    The trace has a part of its own for it, called ``what``. An id that is None is left out.
    """
    known = _known(ids)
    outer = logger().thread_safe_get_current_keys()
    logger().thread_safe_append_keys(**known)
    try:
        with tracing.subsegment(what, known):
            yield
    finally:
        logger().thread_safe_clear_keys()
        logger().thread_safe_append_keys(**outer)


def _known(ids: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in ids.items() if value is not None}


def describe(error: BaseException) -> Mapping[str, str]:
    """An error as two fields of a log line."""
    return {"error": type(error).__name__, "detail": str(error)}
