"""A message stays out of sight for six times as long as its consumer may take, and the window.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from collections.abc import Iterator

from pulumi_policy import PolicyResource

from rules.reading.rule import StackRule
from rules.reading.stack import Stack, referred
from rules.reading.types import FUNCTION, MAPPING, QUEUE

_FACTOR = 6
# What AWS takes where nothing is said.
_VISIBILITY_SECONDS = 30
_TIMEOUT_SECONDS = 3


def _check(_stack: Stack, mapping: PolicyResource) -> Iterator[str]:
    queues = referred(mapping, "eventSourceArn", QUEUE)
    functions = referred(mapping, "functionName", FUNCTION)
    if not queues or not functions:
        yield "Its queue or its function is not one of this stack, so nobody can compare them."
    window = mapping.props.get("maximumBatchingWindowInSeconds") or 0
    for queue in queues:
        visibility = queue.props.get("visibilityTimeoutSeconds", _VISIBILITY_SECONDS)
        for function in functions:
            least = _FACTOR * function.props.get("timeout", _TIMEOUT_SECONDS) + window
            if visibility < least:
                yield (
                    f"The visibility timeout of {queue.name} is {visibility:g} seconds: it has to "
                    f"be at least {least:g} for {function.name}."
                )


RULE = StackRule(
    "queue-visibility",
    "A queue's visibility timeout is at least six times its consumer's timeout, and its window.",
    _check,
    types=frozenset({MAPPING}),
)
