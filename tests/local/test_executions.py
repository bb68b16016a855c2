"""Executions have names, and end with the embedded AWS, whatever they are doing."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.utils import TMP_THREADS

from local.aws import Aws
from local.executions import PARSE, ended_with, named, parsed_one_at_a_time

TRYING: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "there-is-none"},
    "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60, "MaxAttempts": 5}],
    "End": True,
}
WAITING: dict[str, Any] = {"Type": "Wait", "Seconds": 60, "End": True}


@pytest.mark.parametrize(
    ("state", "begun"),
    [(TRYING, "TaskFailed"), (WAITING, "WaitStateEntered")],
    ids=["between two tries", "waiting"],
)
def test_no_execution_outlives_the_block(
    aws: Aws, eventually: Callable[..., Any], state: dict[str, Any], begun: str
) -> None:
    client = aws.client("stepfunctions")
    with ended_with(aws, threading.Event()):
        machine = client.create_state_machine(
            name=begun,
            definition=json.dumps({"StartAt": "Only", "States": {"Only": state}}),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )
        execution = client.start_execution(stateMachineArn=machine["stateMachineArn"], name="one")
        history = execution["executionArn"]
        eventually(
            lambda: (
                begun
                in {
                    event["type"]
                    for event in client.get_execution_history(executionArn=history)["events"]
                }
            )
        )
        threads = list(TMP_THREADS)
        began = time.monotonic()

    assert time.monotonic() - began < 3
    assert threads
    assert not [thread for thread in threads if thread.is_alive()]
    assert not TMP_THREADS


def test_executions_without_a_name_are_one_each(aws: Aws) -> None:
    client = aws.client("stepfunctions")
    with ended_with(aws, threading.Event()), named():
        arn = client.create_state_machine(
            name="unnamed",
            definition=json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )["stateMachineArn"]
        started = [client.start_execution(stateMachineArn=arn) for _ in range(2)]
        named_one = client.start_execution(stateMachineArn=arn, name="mine")["executionArn"]

    assert len({each["executionArn"] for each in started}) == 2
    assert named_one.endswith(":mine")


def test_no_two_definitions_are_parsed_at_once() -> None:
    parsing, most = 0, 0

    def parse(definition: str) -> None:
        nonlocal parsing, most
        parsing += 1
        most = max(most, parsing)
        time.sleep(0.01)  # in which another thread would begin
        parsing -= 1

    with (
        PARSE.replaced(lambda _: parse),
        parsed_one_at_a_time(),
        ThreadPoolExecutor(4) as threads,
    ):
        list(threads.map(AmazonStateLanguageParser.parse, ["{}"] * 8))

    assert most == 1
