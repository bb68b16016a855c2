"""What a function was given asynchronously, and failed at, is kept.

EventBridge's schedules and rules wait for no answer: Lambda drops what has failed to the end.
"""

from collections.abc import Iterator

from pulumi_policy import PolicyResource

from rules.reading.rule import StackRule, is_given
from rules.reading.stack import Stack
from rules.reading.types import EVENT_TARGET, FAILURE_CONFIG, FUNCTION, SCHEDULE


def _check(stack: Stack, function: PolicyResource) -> Iterator[str]:
    starting = [
        *stack.referring(SCHEDULE, "target", function),
        *stack.referring(EVENT_TARGET, "arn", function),
    ]
    configs = stack.referring(FAILURE_CONFIG, "functionName", function)
    if starting and not any(map(_keeps_failures, configs)):
        yield f"{starting[0].name} waits for no answer: keep its failures in a queue."


def _keeps_failures(config: PolicyResource) -> bool:
    destinations = config.props.get("destinationConfig") or {}
    return is_given(destinations.get("onFailure") or {}, "destination")


RULE = StackRule(
    "function-failure-destination",
    "A function that is invoked asynchronously has a failure destination.",
    _check,
    types=frozenset({FUNCTION}),
)
