"""What the demo reads in the histories of executions and in dead letters."""

import json
from dataclasses import replace
from typing import Any

import pytest

from local.demo.histories import checks, notification
from local.demo.letters import Received, read_letters
from local.demo.snapshot import QueueName
from tests.local.demo_snapshots import EXECUTION, INPUT, TIMED_OUT


def event(kind: str, **details: Any) -> dict[str, Any]:
    return {"type": kind, **details}


def task(state: str, *tries: dict[str, Any], left: bool = True) -> list[dict[str, Any]]:
    """The events of a task state, as GetExecutionHistory lists them."""
    events = [event("TaskStateEntered", stateEnteredEventDetails={"name": state})]
    for parameters in tries:
        details = {"parameters": json.dumps(parameters)}
        events += [
            event("TaskScheduled", taskScheduledEventDetails=details),
            event("TaskStarted"),
            event("TaskFailed"),
        ]
    exited = event("TaskStateExited", stateExitedEventDetails={"name": state})
    return [*events, exited] if left else events


def test_every_try_of_the_check_is_counted_and_no_other_task() -> None:
    events = [
        *task("CheckBatchStatus", {}, {}, {}),
        *task("NotifyMarketAnalysis", {"MessageBody": {"batchId": "vsfb_1"}}),
    ]
    assert checks(events) == 3
    assert notification(events) == {"batchId": "vsfb_1"}


def test_a_notification_that_was_not_sent_is_none() -> None:
    message = {"MessageBody": {"batchId": "vsfb_1"}}
    assert notification(task("CheckBatchStatus", {})) is None
    assert notification(task("NotifyMarketAnalysis", message, left=False)) is None


@pytest.mark.parametrize("order", [1, -1])
def test_two_letters_of_one_execution_count_once(order: int) -> None:
    queue = QueueName.FLOW_DEAD_LETTERS
    machine = {"executionArn": "arn:1", "input": INPUT, "error": "BatchPending", "cause": "{}"}
    detail = {"executionArn": "arn:1", "input": json.dumps(INPUT), "error": "PollTimeout"}
    received = [
        Received(queue, "m-1", json.dumps(machine)),
        Received(queue, "m-2", json.dumps({"source": "aws.states", "detail": detail})),
    ]
    [letter] = read_letters(received[::order], {}, [TIMED_OUT])
    assert letter.message_id == "m-1"
    assert letter.reason == "PollTimeout: vsfb_1234567 is in_progress"
    assert letter.execution_input == INPUT


def test_an_aborted_execution_leaves_the_event_alone() -> None:
    detail = {"executionArn": "arn:1", "input": json.dumps(INPUT), "error": None, "cause": None}
    received = [Received(QueueName.FLOW_DEAD_LETTERS, "m-2", json.dumps({"detail": detail}))]
    [letter] = read_letters(received, {}, [replace(EXECUTION, status="ABORTED")])
    assert letter.execution_arn == "arn:1"
