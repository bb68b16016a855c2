"""An execution is started once for each name."""

import json

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from functions.clients.step_functions import StateMachine
from functions.errors import AwsRejectedError, AwsUnavailableError

DEFINITION = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
INPUT = {"batchId": "vsfb_1", "context": {"legalName": "Käse & Söhne", "domain": "example.com"}}


@pytest.fixture
def arn(aws: None) -> str:
    return boto3.client("stepfunctions").create_state_machine(
        name="flow",
        definition=json.dumps(DEFINITION),
        roleArn="arn:aws:iam::123456789012:role/flow",
    )["stateMachineArn"]


def test_an_execution_is_started_under_its_name_with_its_whole_input(arn: str) -> None:
    client = boto3.client("stepfunctions")

    assert StateMachine(client, arn).start("vsfb_1", INPUT)

    [execution] = client.list_executions(stateMachineArn=arn)["executions"]
    started = client.describe_execution(executionArn=execution["executionArn"])
    assert started["name"] == "vsfb_1"
    assert json.loads(started["input"]) == INPUT


def test_a_name_that_is_taken_is_not_started_again(arn: str) -> None:
    client = boto3.client("stepfunctions")
    machine = StateMachine(client, arn)
    machine.start("vsfb_1", INPUT)

    assert not machine.start("vsfb_1", INPUT | {"batchId": "another"})
    assert machine.start("vsfb_2", INPUT)

    names = {each["name"] for each in client.list_executions(stateMachineArn=arn)["executions"]}
    assert names == {"vsfb_1", "vsfb_2"}


def test_equal_input_is_sent_as_equal_text_however_its_keys_are_ordered(aws: None) -> None:
    client = boto3.client("stepfunctions")
    answer = {"executionArn": "arn:aws:states:::execution:flow:vsfb_1", "startDate": 0}
    sent = '{"a":1,"b":{"c":2,"d":3}}'
    for value in ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}):
        with Stubber(client) as stepfunctions:
            stepfunctions.add_response(
                "start_execution",
                answer,
                {"stateMachineArn": "arn", "name": "vsfb_1", "input": sent},
            )
            assert StateMachine(client, "arn").start("vsfb_1", value)


def test_a_machine_that_is_not_there_is_rejected(aws: None) -> None:
    missing = "arn:aws:states:eu-central-1:123456789012:stateMachine:missing"

    with pytest.raises(AwsRejectedError, match="StateMachineDoesNotExist"):
        StateMachine(boto3.client("stepfunctions"), missing).start("vsfb_1", INPUT)


def test_a_throttle_or_a_timeout_is_unavailable(aws: None) -> None:
    client = boto3.client("stepfunctions")
    with Stubber(client) as stepfunctions:
        stepfunctions.add_client_error("start_execution", "ThrottlingException")
        with pytest.raises(AwsUnavailableError):
            StateMachine(client, "arn").start("vsfb_1", INPUT)

    def no_answer(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="https://states.eu-central-1.amazonaws.com")

    client.meta.events.register("before-call", no_answer)
    with pytest.raises(AwsUnavailableError, match="Read timeout"):
        StateMachine(client, "arn").start("vsfb_1", INPUT)
