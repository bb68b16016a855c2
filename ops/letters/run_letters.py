"""The letters of what runs on a schedule: submissions, polls, reconciliations and sweeps.

EventBridge Scheduler leaves one when it could start nothing, and names the target in an attribute:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
Lambda leaves one when a function failed twice, a record of the event and the error:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
What was to be given to the target need not be known: every schedule gives it the same, ``{}``.
"""

from typing import Any

from functions.errors import InvalidMessageError
from functions.messages import Message as Model
from ops.letters.holding import Message
from ops.letters.letters import InvokeAgain, StartAgain
from ops.stack import Outputs

Run = InvokeAgain | StartAgain


class InvocationContext(Model):
    """Which function was called, and why Lambda gave up."""

    function_arn: str
    condition: str = ""


class InvocationRecord(Model):
    """Lambda's record of a call that failed."""

    request_context: InvocationContext
    response_payload: Any = None


def read_run_letter(message: Message, outputs: Outputs) -> tuple[Run, str, str]:
    """What was to run, its name for a person, and why it did not. InvalidMessageError."""
    target = message.text("TARGET_ARN")
    if target:
        reason = f"{message.text('ERROR_CODE')}: {message.text('ERROR_MESSAGE')}".strip(": ")
    else:
        record = InvocationRecord.parse_json(message.body)
        target = record.request_context.function_arn
        reason = _error(record)
    run, name = _run(target, outputs)
    return run, name, reason


def _run(target: str, outputs: Outputs) -> tuple[Run, str]:
    if target == outputs.completion_poll_flow_arn:
        return StartAgain(machine_arn=target), "CompletionPollFlow"
    # arn:aws:lambda:{region}:{account}:function:{name}, and a version if Lambda writes it
    parts = target.split(":")
    function = parts[6] if len(parts) > 6 else ""
    names = {
        outputs.submit_completion_batch_function_name: "submit",
        outputs.completion_reconcile_function_name: "reconcile",
        outputs.file_sweep_function_name: "file sweep",
    }
    if function not in names:
        raise InvalidMessageError(f"{target} is nothing that this stack runs on a schedule")
    return InvokeAgain(function_name=function), names[function]


def _error(record: InvocationRecord) -> str:
    payload = record.response_payload
    if isinstance(payload, dict) and "errorMessage" in payload:
        kind, message = str(payload.get("errorType", "")), str(payload["errorMessage"])
        return ": ".join(filter(None, (kind, message)))
    return record.request_context.condition
