"""A program deployed and at work."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.embedded import EmbeddedAws

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def consumed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the consuming function writes the batches it gets."""
    return tmp_path_factory.mktemp("consumed") / "batches"


@pytest.fixture(scope="module")
def embedded(
    make_embedded: Callable[..., EmbeddedAws],
    consumed: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EmbeddedAws]:
    with make_embedded(consumed, work_dir=tmp_path_factory.mktemp("work")) as running:
        yield running


def run(embedded: EmbeddedAws, name: str, **values: Any) -> str:
    """The ARN of an execution of the polling machine."""
    started = embedded.client("stepfunctions").start_execution(
        stateMachineArn=embedded.outputs["machineArn"], name=name, input=json.dumps(values)
    )
    return str(started["executionArn"])


def ended(embedded: EmbeddedAws, execution: str) -> dict[str, Any] | None:
    """How an execution ended, once it has."""
    found: dict[str, Any] = embedded.client("stepfunctions").describe_execution(
        executionArn=execution
    )
    return None if found["status"] == "RUNNING" else found


def receive(embedded: EmbeddedAws, output: str) -> list[str]:
    """The bodies of messages, which are then deleted."""
    sqs, url = embedded.client("sqs"), embedded.outputs[output]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


def test_a_function_is_called_by_its_name_in_aws(embedded: EmbeddedAws) -> None:
    answer = embedded.invoke(embedded.outputs["echo"], {"a": 1})

    assert not answer.failed
    assert answer.payload["event"] == {"a": 1}
    assert answer.payload["environment"]["KEY_ARN"] == embedded.outputs["secretArn"]
    assert answer.payload["context"]["log_group_name"] == embedded.outputs["logGroup"]


def test_a_machine_retries_an_error_of_our_own_and_sends_what_it_found(
    embedded: EmbeddedAws, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    calls = tmp_path / "calls"
    execution = run(embedded, "found", file=str(calls), pending=1)

    assert eventually(lambda: ended(embedded, execution))["status"] == "SUCCEEDED"
    notice = json.loads(eventually(lambda: receive(embedded, "noticesQueueUrl"))[0])
    assert notice == {"calls": 2, "pending": 1, "file": str(calls)}


def test_a_machine_whose_retries_are_spent_catches_and_leaves_a_dead_letter(
    embedded: EmbeddedAws, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    calls = tmp_path / "calls"
    execution = run(embedded, "too-long", file=str(calls), pending=9)

    end = eventually(lambda: ended(embedded, execution))
    assert (end["status"], end["error"]) == ("FAILED", "PollTimeout")
    assert calls.read_text() == "3", "the first call and two retries"
    notice = json.loads(eventually(lambda: receive(embedded, "noticesQueueUrl"))[0])
    assert notice["error"]["Error"] == "BatchPending"
    assert json.loads(notice["error"]["Cause"])["errorMessage"] == "call 3"
    letter = json.loads(eventually(lambda: receive(embedded, "noticesDeadUrl"))[0])
    assert letter["detail"]["executionArn"] == execution
    assert letter["detail"]["status"] == "FAILED"


def test_a_queues_function_works_on_it_and_bad_messages_become_dead_letters(
    embedded: EmbeddedAws, consumed: Path, eventually: Callable[..., Any]
) -> None:
    embedded.client("sqs").send_message_batch(
        QueueUrl=embedded.outputs["workQueueUrl"],
        Entries=[{"Id": body, "MessageBody": body} for body in ("good", "bad", "fine")],
    )

    assert eventually(lambda: receive(embedded, "workDeadUrl")) == ["bad"]
    assert sorted(consumed.read_text().split()) == ["bad", "bad", "fine", "good"]


def test_what_a_function_writes_can_be_read(embedded: EmbeddedAws, tmp_path: Path) -> None:
    name = embedded.outputs["slow"]
    embedded.invoke(name, {"seconds": "no number"})

    assert "[ERROR] TypeError" in embedded.logs_dir.joinpath(f"{name}.log").read_text()
    found = embedded.client("logs").filter_log_events(
        logGroupName=embedded.outputs["logGroup"], filterPattern="TypeError"
    )
    assert found["events"]


def test_any_client_can_use_it(embedded: EmbeddedAws) -> None:
    client = boto3.client(
        "sqs",
        endpoint_url=embedded.endpoint_url,
        region_name="eu-central-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )

    assert embedded.outputs["workQueueUrl"] in client.list_queues()["QueueUrls"]
