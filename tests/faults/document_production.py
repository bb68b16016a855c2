"""What works the document flow in production: event-source mappings, Step Functions, a schedule."""

from collections.abc import Sequence
from typing import Any

from moto.sqs.models import Message, sqs_backends
from moto.stepfunctions.models import stepfunctions_backends

from local.aws import ACCOUNT, DEFAULT_REGION
from tests.faults.deployed import FunctionError
from tests.faults.world import World

DOWNLOAD, ANALYSIS = "downloadQueueUrl", "marketAnalysisQueueUrl"
FLOW = "vectorStoreBatchFlowArn"
INGEST, ANALYSE, SWEEP = "documents-ingest", "documents-market-analysis", "documents-sweep"
_BATCH_SIZES = {DOWNLOAD: 10, ANALYSIS: 1}
_FUNCTIONS = {DOWNLOAD: INGEST, ANALYSIS: ANALYSE}
_MOST_STEPS = 200
_MOST_DAYS = 4
_DAY = 86_400
_TRIES_OF_AN_EVENT = (
    3  # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
)


def come_to_rest(world: World) -> None:
    """Work until no message is left and no execution runs, and let waits pass at once."""
    for _ in range(_MOST_STEPS):
        if deliver(world, DOWNLOAD) or run_next_execution(world) or deliver(world, ANALYSIS):
            continue
        waiting = [*messages_of(world, DOWNLOAD), *messages_of(world, ANALYSIS)]
        if not waiting:
            return
        visible = min(message.visible_at for message in waiting) / 1000
        world.clock.pass_by(visible - world.clock.now + 1)
    raise AssertionError(f"it does not come to rest in {_MOST_STEPS} steps")


def deliver(world: World, queue: str) -> bool:
    """One event of that queue's mapping; False if no message is visible."""
    records = world.stack.receive(world.stack.output(queue), _BATCH_SIZES[queue])
    feed(world, queue, records)
    return bool(records)


def feed(world: World, queue: str, records: Sequence[dict[str, Any]]) -> None:
    """Have the function behind a queue work on records."""
    if records:
        world.stack.feed(_FUNCTIONS[queue], queue, records)


def run_next_execution(world: World) -> bool:
    """Run the oldest execution that was started and not run yet; False if there is none."""
    ran = {execution.name for execution in world.stack.executions}
    for name, execution_input in world.stack.started_executions(FLOW):
        if name not in ran:
            execution = world.stack.run_machine(FLOW, name, execution_input)
            # In moto it has to end too: from here on its name is taken, whatever the input.
            stepfunctions_backends[ACCOUNT][DEFAULT_REGION].stop_execution(execution.arn)
            return True
    return False


def sweep_daily(world: World) -> None:
    """The next days' sweeps, until two have gone through; a run that fails is tried again.

    The first may have begun where a run before it failed, and so have seen but a part.
    """
    gone_through = 0
    for _ in range(_MOST_DAYS):
        world.clock.pass_by(_DAY + 1)
        gone_through += _swept(world)
        if gone_through == 2:
            return
    raise AssertionError(f"no two sweeps have gone through in {_MOST_DAYS} days")


def _swept(world: World) -> bool:
    for _ in range(_TRIES_OF_AN_EVENT):
        try:
            world.stack.invoke(SWEEP, {})
        except FunctionError:
            world.clock.pass_by(60)
        else:
            return True
    return False


def messages_of(world: World, queue: str) -> list[Message]:
    """All messages of the queue of that stack output, visible or not."""
    name = world.stack.output(queue).rpartition("/")[2]
    messages: list[Message] = sqs_backends[ACCOUNT][DEFAULT_REGION].queues[name]._messages
    return list(messages)
