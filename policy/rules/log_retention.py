"""Logs go to a group of this stack, and are not kept for ever.

A function that names no group gets one that Lambda makes for it, without an end.
"""

from collections.abc import Iterator

from pulumi_policy import PolicyResource

from rules.reading.rule import StackRule
from rules.reading.stack import Stack, referred
from rules.reading.types import FUNCTION, LOG_GROUP


def _check(_stack: Stack, resource: PolicyResource) -> Iterator[str]:
    if resource.resource_type == FUNCTION:
        if not referred(resource, "loggingConfig", LOG_GROUP):
            yield "Set logging_config to a log group of this stack."
    elif not resource.props.get("retentionInDays"):
        yield "Set retention_in_days."


RULE = StackRule(
    "log-retention",
    "A function logs to a group of its stack, and a log group has a retention.",
    _check,
    types=frozenset({FUNCTION, LOG_GROUP}),
)
