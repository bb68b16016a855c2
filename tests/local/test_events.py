"""The end of an execution is an event that rules can pick."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from local.aws import Aws
from local.events import announcing
from local.executions import ended_with

ROLE = "arn:aws:iam::123456789012:role/machine"
SUCCEED: dict[str, Any] = {"Type": "Pass", "Result": {"found": 1}, "End": True}
FAIL: dict[str, Any] = {"Type": "Fail", "Error": "PollTimeout", "Cause": "still pending"}
WAIT: dict[str, Any] = {"Type": "Wait", "Seconds": 60, "End": True}
MAP: dict[str, Any] = {
    "Type": "Map",
    "ItemsPath": "$.items",
    "ItemProcessor": {"StartAt": "Wait", "States": {"Wait": WAIT}},
    "End": True,
}


@pytest.fixture(autouse=True)
def announced(aws: Aws) -> Iterator[None]:
    with ended_with(aws, threading.Event()), announcing(aws):
        yield


def machine(aws: Aws, state: dict[str, Any], kind: str = "STANDARD", **settings: Any) -> str:
    """The ARN of a machine of one state."""
    created = aws.client("stepfunctions").create_state_machine(
        name=uuid.uuid4().hex,
        definition=json.dumps({"StartAt": "Only", "States": {"Only": state}, **settings}),
        roleArn=ROLE,
        type=kind,
    )
    return str(created["stateMachineArn"])


def start(aws: Aws, arn: str, name: str = "one", **values: Any) -> str:
    """The ARN of an execution."""
    started = aws.client("stepfunctions").start_execution(
        stateMachineArn=arn, name=name, input=json.dumps(values)
    )
    return str(started["executionArn"])


def inbox(aws: Aws, arn: str, statuses: list[str]) -> Callable[[], list[dict[str, Any]]]:
    """What a rule for these statuses of the machine sends to a queue, so far."""
    name = uuid.uuid4().hex
    url = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    aws.client("events").put_rule(
        Name=name,
        EventPattern=json.dumps(
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {"status": statuses, "stateMachineArn": [arn]},
            }
        ),
    )
    target = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    aws.client("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": target}])
    found: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        answer = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        found.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return found

    return read


ENDS = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


def test_a_failure_reaches_the_queue_of_a_rule(aws: Aws, eventually: Callable[..., Any]) -> None:
    arn = machine(aws, FAIL)
    read = inbox(aws, arn, ["FAILED"])
    before = int(time.time() * 1000)
    execution = start(aws, arn, name="batch-1", batch="b")

    event = eventually(read)[0]

    assert event["source"] == "aws.states"
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["resources"] == [execution]
    assert event["region"] == aws.region
    detail = event["detail"]
    assert before - 1000 <= detail.pop("startDate") <= detail.pop("stopDate")
    assert json.loads(detail.pop("input")) == {"batch": "b"}
    assert detail == {
        "executionArn": execution,
        "stateMachineArn": arn,
        "name": "batch-1",
        "status": "FAILED",
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": None,
        "error": "PollTimeout",
        "cause": "still pending",
    }


def test_a_success_has_its_output(aws: Aws, eventually: Callable[..., Any]) -> None:
    arn = machine(aws, SUCCEED)
    read = inbox(aws, arn, ENDS)
    start(aws, arn)

    detail = eventually(read)[0]["detail"]

    assert detail["status"] == "SUCCEEDED"
    assert json.loads(detail["output"]) == {"found": 1}
    assert (detail["error"], detail["cause"]) == (None, None)


def test_a_machines_time_out_ends_the_execution(aws: Aws, eventually: Callable[..., Any]) -> None:
    arn = machine(aws, WAIT, TimeoutSeconds=1)
    read = inbox(aws, arn, ["TIMED_OUT"])
    start(aws, arn)

    assert eventually(read)[0]["detail"]["status"] == "TIMED_OUT"


@pytest.mark.parametrize("state", [WAIT, MAP], ids=["wait", "map"])
def test_a_stopped_execution_is_aborted_at_once_and_announced_once(
    aws: Aws, eventually: Callable[..., Any], state: dict[str, Any]
) -> None:
    client = aws.client("stepfunctions")
    arn = machine(aws, state)
    read = inbox(aws, arn, ENDS)
    execution = start(aws, arn, items=[1])
    eventually(
        lambda: any(
            event["type"] == "WaitStateEntered"
            for event in client.get_execution_history(executionArn=execution)["events"]
        )
    )

    client.stop_execution(executionArn=execution)

    assert client.describe_execution(executionArn=execution)["status"] == "ABORTED"
    assert eventually(read)[0]["detail"]["status"] == "ABORTED"
    # Another execution ends after it; by then a second event of the first would be there.
    client.stop_execution(executionArn=start_waiting(aws, arn, eventually))
    names = [event["detail"]["name"] for event in eventually(lambda: len(read()) > 1 and read())]
    assert names == ["one", "two"]
    assert client.describe_execution(executionArn=execution)["status"] == "ABORTED"


def test_an_execution_can_be_stopped_as_soon_as_it_was_started(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = ExecutionWorker._get_evaluation_entrypoint
    never = threading.Event()

    def parse_slowly(self: ExecutionWorker) -> Any:
        never.wait(0.3)
        return parse(self)

    monkeypatch.setattr(ExecutionWorker, "_get_evaluation_entrypoint", parse_slowly)
    execution = start(aws, machine(aws, WAIT))
    aws.client("stepfunctions").stop_execution(executionArn=execution)
    described = aws.client("stepfunctions").describe_execution(executionArn=execution)
    assert described["status"] == "ABORTED"


def start_waiting(aws: Aws, arn: str, eventually: Callable[..., Any]) -> str:
    """An execution that has begun to wait."""
    client = aws.client("stepfunctions")
    execution = start(aws, arn, name="two", items=[1])
    eventually(
        lambda: len(client.get_execution_history(executionArn=execution)["events"]) > 1,
    )
    return execution


def test_a_rule_for_failures_gets_no_success(aws: Aws, eventually: Callable[..., Any]) -> None:
    arn = machine(aws, SUCCEED)
    failures, all_ends = inbox(aws, arn, ["FAILED", "ABORTED"]), inbox(aws, arn, ENDS)
    start(aws, arn)

    assert eventually(all_ends)
    assert failures() == []


def test_the_end_of_an_express_execution_is_not_announced(
    aws: Aws, eventually: Callable[..., Any]
) -> None:
    express, standard = machine(aws, SUCCEED, "EXPRESS"), machine(aws, SUCCEED)
    read = inbox(aws, express, ENDS)
    client = aws.client("stepfunctions")
    execution = start(aws, express)
    eventually(lambda: client.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")
    other = inbox(aws, standard, ENDS)
    start(aws, standard)

    assert eventually(other)
    assert read() == []
