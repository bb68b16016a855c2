"""X-Ray traces that can be searched for the ids which the log lines have.

Powertools' Tracer and the X-Ray SDK below it are imported only where Lambda samples an invocation:
their import takes some 50 ms of a cold start, and an invocation that nobody traces, or one outside
Lambda, does not pay for it. Nothing is patched: what the SDK puts around every client would cost
each call, and the log lines say what was called for what.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

Handler = TypeVar("Handler", bound=Callable[..., Any])


def sampled() -> bool:
    """Whether this invocation is traced.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """
    return "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "")


@cache
def _tracer() -> "Tracer":
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - see above

    return Tracer(auto_patch=False)


def traced(handler: Handler) -> Handler:
    """The handler in a subsegment of its own, without what it returns or raises."""
    if not sampled():
        return handler
    wrapped: Any = _tracer().capture_lambda_handler(
        handler, capture_response=False, capture_error=False
    )
    return cast("Handler", wrapped)


def annotate(ids: Mapping[str, str]) -> None:
    """Have the invocation be found by these ids."""
    if sampled():
        for name, value in ids.items():
            _tracer().put_annotation(name, value)


@contextmanager
def subsegment(name: str, ids: Mapping[str, str]) -> Iterator[None]:
    """A part of the invocation, to be found by these ids; in any thread."""
    if not sampled():
        yield
        return
    with _tracer().provider.in_subsegment(name=f"## {name}") as part:
        for key, value in ids.items():
            part.put_annotation(key, value)
        yield
