"""``python -m ops poll``: look for the answers of OpenAI's jobs, now."""

import argparse
import json
import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ops.errors import OpsError
from ops.executions import RUNNING, SUCCEEDED, Execution, Executions
from ops.screen import Screen
from ops.stack import Stack

if TYPE_CHECKING:
    from functions.completions.batches import BatchSummary

NAME = "poll"
HELP = "Run CompletionPollFlow, and show what became of the batches"

_FAILED = 1
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 10.0, 1.3


def add(parser: argparse.ArgumentParser) -> None:
    """Its own arguments."""
    parser.add_argument("--batch", metavar="ID", help="look at this job alone, by OpenAI's name")
    parser.add_argument("--no-wait", action="store_true", help="start it, and see no end of it")


def run(options: argparse.Namespace, stack: Stack, screen: Screen) -> int:
    """0: it succeeded, and no batch ended badly; 1: it did not, or one did, or cannot be read."""
    from functions.completions.messages import PollRequest  # noqa: PLC0415
    from ops.batches import pending_batches, same_batches  # noqa: PLC0415

    request = PollRequest.parse({"openaiBatchId": options.batch})
    batches, broken = pending_batches(stack.labels)
    for reason in broken:
        screen.say(reason, "red")
    pending = [each for each in batches if options.batch in (None, each.openai_batch_id)]
    if options.batch and not pending:
        raise OpsError(f"no batch that is PENDING has the job {options.batch}")
    executions = Executions(stack.client("stepfunctions"), stack.outputs.completion_poll_flow_arn)
    name = _start(stack, request.to_wire() if options.batch else {})
    if options.no_wait:
        screen.say(f"CompletionPollFlow runs as {name}.")
        screen.document({"execution": name, "status": RUNNING, "reason": "", "batches": []})
        return 0
    with screen.console.status(f"CompletionPollFlow runs as {name} …"):
        ended = _end(executions, name)
    code = _report(screen, ended, same_batches(stack, pending))
    return _FAILED if broken else code


def _start(stack: Stack, execution_input: dict[str, Any]) -> str:
    """The new execution's name, which says who started it."""
    name = f"operator-{uuid.uuid4()}"
    stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.outputs.completion_poll_flow_arn,
        name=name,
        input=json.dumps(execution_input),
    )
    return name


def _end(executions: Executions, name: str) -> Execution:
    """How the execution ended; one that was just started may not be seen at once."""
    pause = _FIRST_PAUSE
    while (found := executions.named(name)) is None or found.status == RUNNING:
        time.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    return found


def _report(screen: Screen, ended: Execution, batches: Sequence["BatchSummary"]) -> int:
    from functions.completions.vocabulary import BatchStatus, Outcome  # noqa: PLC0415

    outcomes = [str(outcome) for outcome in Outcome]
    screen.table(
        "Batches that were pending",
        ("batch", "OpenAI's name for it", "status", *map(_words, outcomes), "reason"),
        [
            (
                batch.batch_id,
                batch.openai_batch_id or "",
                batch.status,
                *(str(batch.outcomes.get(outcome, "")) for outcome in outcomes),
                batch.reason or "",
            )
            for batch in batches
        ],
    )
    well = ended.status == SUCCEEDED
    reason = "" if well else ended.reason
    screen.say(f"{ended.name} {ended.status}. {reason}".rstrip(), "" if well else "red")
    waiting = sum(batch.status == BatchStatus.PENDING for batch in batches)
    screen.say(f"Batches that have ended: {len(batches) - waiting}; under way: {waiting}.")
    screen.document(
        {
            "execution": ended.name,
            "status": ended.status,
            "reason": reason,
            "batches": [
                {
                    "batchId": batch.batch_id,
                    "openaiBatchId": batch.openai_batch_id,
                    "status": batch.status,
                    "labels": batch.target_count,
                    "outcomes": batch.outcomes,
                    "reason": batch.reason,
                }
                for batch in batches
            ],
        }
    )
    good = {BatchStatus.PENDING, BatchStatus.COMPLETED}
    return 0 if well and all(batch.status in good for batch in batches) else _FAILED


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
