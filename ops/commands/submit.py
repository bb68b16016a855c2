"""``python -m ops submit``: ask about the labels that wait for a verdict, now."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from ops.errors import OpsError
from ops.screen import Screen
from ops.stack import Stack
from ops.words import counted

NAME = "submit"
HELP = "Submit the labels that wait for a verdict, and show the batches"

_FAILED = 1
# The function may take all of its 15 minutes. A second try would submit a second time; and whatever
# is between must not take a connection on which nothing comes for that long for a dead one.
_PATIENT = Config(
    read_timeout=930, retries={"mode": "standard", "total_max_attempts": 1}, tcp_keepalive=True
)
_COLUMNS = {
    "batchId": "batch",
    "openaiBatchId": "OpenAI's name for it",
    "requests": "receipts",
    "targets": "labels",
    "promptTokens": "prompt tokens",
}


def add(parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own."""


def run(options: argparse.Namespace, stack: Stack, screen: Screen) -> int:  # noqa: ARG001
    """0: no label waits any more; 1: some do, for the reason that is shown, or it failed."""
    client = stack.client("lambda", _PATIENT)
    with screen.console.status("Submitting: this may take 15 minutes …"):
        try:
            answer = client.invoke(
                FunctionName=stack.outputs.submit_completion_batch_function_name, Payload=b"{}"
            )
            text = answer["Payload"].read()
        except (ReadTimeoutError, ConnectionClosedError) as error:
            raise OpsError(
                f"its answer was lost ({error}), but it may go on: `python -m ops status` shows "
                "the batches"
            ) from None
    payload = json.loads(text)
    if "FunctionError" in answer:
        return _failed(payload, screen)
    _show(payload, screen)
    screen.document(payload)
    return _FAILED if payload.get("waiting") else 0


def _failed(payload: Any, screen: Screen) -> int:
    """Say what the function raised."""
    error = payload if isinstance(payload, dict) else {"errorMessage": str(payload)}
    told = {"type": error.get("errorType", ""), "message": error.get("errorMessage", "")}
    screen.say(f"The submission failed. {told['type']}: {told['message']}", "red")
    screen.document({"error": told})
    return _FAILED


def _show(payload: Mapping[str, Any], screen: Screen) -> None:
    batches = payload.get("batches", [])
    screen.table(
        "Submitted",
        tuple(_COLUMNS.values()),
        [tuple(str(batch.get(key, "")) for key in _COLUMNS) for batch in batches],
    )
    labels = sum(batch.get("targets", 0) for batch in batches)
    submitted = f"{counted(labels, 'label')} in {counted(len(batches), 'batch')}"
    screen.say(f"{submitted}; still waiting: {payload.get('waiting', 0)}.")
    for name, value in payload.items():
        if name not in ("batches", "waiting", "reason") and value is not None:
            screen.say(f"{name}: {_listed(value)}")
    if payload.get("reason"):
        screen.say(f"It ended because {payload['reason']}.")


def _listed(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return str(value)
