"""A Distributed Map fails when more of its items fail than it tolerates."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.aws import Aws
from local.executions import ended_with
from local.map_runs import failing_with_their_items

FAIL: dict[str, Any] = {"Type": "Fail", "Error": "Bad", "Cause": "a bad item"}
SUCCEED: dict[str, Any] = {"Type": "Succeed"}


@pytest.fixture(autouse=True)
def failing(aws: Aws) -> Iterator[None]:
    with ended_with(aws, threading.Event()), failing_with_their_items():
        yield


def processor(bad_from: int) -> dict[str, Any]:
    """Items from this number on fail."""
    bad = {"Variable": "$", "NumericGreaterThanEquals": bad_from, "Next": "Fail"}
    return {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Judge",
        "States": {
            "Judge": {"Type": "Choice", "Choices": [bad], "Default": "Succeed"},
            "Fail": FAIL,
            "Succeed": SUCCEED,
        },
    }


def run(aws: Aws, eventually: Callable[..., Any], bad_from: int, **settings: Any) -> dict[str, Any]:
    """How an execution over the items 1 to 4 ended."""
    state = {"Type": "Map", "ItemProcessor": processor(bad_from), "End": True, **settings}
    client = aws.client("stepfunctions")
    machine = client.create_state_machine(
        name=uuid.uuid4().hex,
        definition=json.dumps({"StartAt": "Each", "States": {"Each": state, "Caught": SUCCEED}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine, input="[1, 2, 3, 4]")

    def ended() -> Any:
        found = client.describe_execution(executionArn=execution["executionArn"])
        return None if found["status"] == "RUNNING" else found

    return dict(eventually(ended))


def test_a_map_whose_items_succeed_gives_what_they_gave(
    aws: Aws, eventually: Callable[..., Any]
) -> None:
    end = run(aws, eventually, bad_from=5)
    assert (end["status"], json.loads(end["output"])) == ("SUCCEEDED", [1, 2, 3, 4])


def test_one_failed_item_fails_the_map(aws: Aws, eventually: Callable[..., Any]) -> None:
    end = run(aws, eventually, bad_from=4)
    assert (end["status"], end["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    assert end["cause"] == "1 of 4 items failed"


def test_a_failed_map_can_be_caught(aws: Aws, eventually: Callable[..., Any]) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    end = run(aws, eventually, bad_from=4, Catch=catch)
    assert end["status"] == "SUCCEEDED"
    assert json.loads(end["output"])["Error"] == "States.ExceedToleratedFailureThreshold"


@pytest.mark.parametrize(
    ("tolerated", "bad_from", "status"),
    [
        ({"ToleratedFailureCount": 1}, 4, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, 3, "FAILED"),
        ({"ToleratedFailurePercentage": 50.0}, 3, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50.0}, 2, "FAILED"),
    ],
)
def test_a_map_may_tolerate_some(
    aws: Aws,
    eventually: Callable[..., Any],
    tolerated: dict[str, float],
    bad_from: int,
    status: str,
) -> None:
    assert run(aws, eventually, bad_from, **tolerated)["status"] == status
