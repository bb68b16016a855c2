"""Dead letters, as their senders write them.

A failed execution leaves two: the state machine's own, ``{executionArn, input, error, cause}``, and
the event that EventBridge sends of every execution that ended badly.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.demo.snapshot import Execution, Letter, QueueName


@dataclass(frozen=True)
class Received:
    """A message of a dead-letter queue."""

    queue: QueueName
    message_id: str
    body: str


def read_letters(
    received: Iterable[Received], reasons: Mapping[str, str], executions: Iterable[Execution]
) -> list[Letter]:
    """The letters, one an execution.

    ``reasons`` are what the functions recorded, by message id; the reason of a flow's letter is how
    its execution ended.
    """
    known = {execution.arn: execution for execution in executions}
    letters: dict[str, Letter] = {}
    for message in received:
        if message.queue != QueueName.FLOW_DEAD_LETTERS:
            letters[message.message_id] = Letter(
                queue=message.queue,
                message_id=message.message_id,
                body=message.body,
                reason=reasons.get(message.message_id, ""),
            )
            continue
        arn, given, is_event = _execution(message.body)
        if arn in letters and is_event:
            continue
        execution = known.get(arn)
        letters[arn] = Letter(
            queue=message.queue,
            message_id=message.message_id,
            body=message.body,
            reason=execution.reason if execution else "",
            execution_arn=arn,
            execution_input=given,
        )
    return list(letters.values())


def _execution(body: str) -> tuple[str, Mapping[str, Any], bool]:
    """The ARN and the input, and whether an event told of them."""
    letter = json.loads(body)
    if "detail" in letter:
        return letter["detail"]["executionArn"], json.loads(letter["detail"]["input"]), True
    return letter["executionArn"], letter["input"], False
