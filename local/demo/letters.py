"""Dead letters, with their reasons. A failed execution leaves two, which count as one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local.demo.snapshot import Execution, Letter, QueueName
from ops.letters.execution_letters import read_execution_letter


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
        found = read_execution_letter(message.body)
        arn = found.execution_arn
        if arn in letters and found.is_event:
            continue
        execution = known.get(arn)
        letters[arn] = Letter(
            queue=message.queue,
            message_id=message.message_id,
            body=message.body,
            reason=execution.reason if execution else "",
            execution_arn=arn,
            execution_input=found.input,
        )
    return list(letters.values())
