"""A queue has a dead-letter queue, unless it is one.

One is what is called ``…dead-letters`` and feeds nobody: what is worked on from a queue can fail.
"""

import json
from collections.abc import Iterator

from pulumi_policy import PolicyResource

from rules.reading.rule import StackRule
from rules.reading.stack import Stack, referred
from rules.reading.types import MAPPING, QUEUE


def _check(stack: Stack, queue: PolicyResource) -> Iterator[str]:
    feeds_nobody = not stack.referring(MAPPING, "eventSourceArn", queue)
    if queue.name.endswith("dead-letters") and feeds_nobody:
        return
    if referred(queue, "redrivePolicy", QUEUE):
        return
    redrive = json.loads(queue.props.get("redrivePolicy") or "{}")
    if not redrive.get("deadLetterTargetArn"):
        yield "Give it a redrive_policy with the ARN of a dead-letter queue."


RULE = StackRule(
    "queue-dead-letters",
    "A queue other than a dead-letter queue has one.",
    _check,
    types=frozenset({QUEUE}),
)
