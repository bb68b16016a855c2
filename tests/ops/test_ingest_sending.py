"""Sending: in calls that SQS takes, and nothing is called sent that is not in the queue."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.messages import DownloadRequest
from ops.ingest.documents import Document
from ops.ingest.sending import Sender, Sent
from ops.stack import Stack
from tests.ops.documents_under_way import DOCUMENT

MOST_BYTES = 262_144
Call = Mapping[str, Any]


def documents(*sizes: int) -> list[Document]:
    """Documents whose fallbacks are of these sizes."""
    return [
        Document(
            f"documents.jsonl:{number}",
            DownloadRequest.parse({**DOCUMENT, "requestId": str(number), "fallback": "x" * size}),
        )
        for number, size in enumerate(sizes, 1)
    ]


class Queue:
    """A queue that keeps what it takes; ``answers`` say what it refuses, a call each."""

    def __init__(self, *answers: Callable[[Call], dict[str, Any]] | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[list[str]] = []
        self.kept: list[str] = []

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        entries = call["Entries"]
        assert len(entries) <= 10
        assert sum(len(entry["MessageBody"].encode()) for entry in entries) <= MOST_BYTES
        self.calls.append([entry["MessageBody"] for entry in entries])
        answer = self.answers.pop(0) if self.answers else lambda _call: {}
        if isinstance(answer, Exception):
            raise answer
        failed = answer(call)
        refused = {each["Id"] for each in failed.get("Failed", [])}
        refused |= set(failed.get("Omitted", []))
        taken = [entry for entry in entries if entry["Id"] not in refused]
        self.kept += [entry["MessageBody"] for entry in taken]
        successful = [
            {"Id": each["Id"], "MessageId": f"message of {each['MessageBody']}"} for each in taken
        ]
        return {"Successful": successful, "Failed": failed.get("Failed", [])}


def failing(*ids: str, own_fault: bool = False) -> Callable[[Call], dict[str, Any]]:
    """An answer that does not take these."""

    def answer(call: Call) -> dict[str, Any]:
        there = {entry["Id"] for entry in call["Entries"]}
        return {
            "Failed": [
                {"Id": id_, "Code": "InternalError", "Message": "no", "SenderFault": own_fault}
                for id_ in ids
                if id_ in there
            ]
        }

    return answer


def send(queue: Any, wanted: list[Document], **settings: Any) -> tuple[Sent, list[float]]:
    pauses: list[float] = []
    told: list[int] = []
    sender = Sender(
        sqs=queue,
        queue_url="https://queue",
        most_bytes=MOST_BYTES,
        tell=told.append,
        pause=pauses.append,
        **settings,
    )
    sent = sender.send(wanted)
    assert sum(told) <= len(wanted)
    assert sent.message_ids.keys() | sent.unsent.keys() == {each.key for each in wanted}
    assert not sent.message_ids.keys() & sent.unsent.keys()
    return sent, pauses


def test_what_is_sent_is_in_the_queue_under_its_id(stack: Stack) -> None:
    wanted = documents(*[1] * 23)
    sqs, url = boto3.client("sqs"), stack.outputs.download_queue_url
    sender = Sender(sqs=sqs, queue_url=url, most_bytes=MOST_BYTES, tell=lambda _number: None)

    sent = sender.send(wanted)

    found: dict[str, str] = {}
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found |= {message["MessageId"]: message["Body"] for message in messages}
    assert found == {sent.message_ids[each.key]: each.body for each in wanted}
    assert sent.unsent == {}


@given(sizes=st.lists(st.integers(1, MOST_BYTES - 1000), max_size=25))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
def test_no_call_is_larger_than_sqs_takes(sizes: list[int]) -> None:
    queue, wanted = Queue(), documents(*sizes)
    sent, _ = send(queue, wanted)
    assert queue.kept == [each.body for each in wanted]
    assert len(sent.message_ids) == len(wanted)


def test_calls_are_of_ten_and_are_not_split_without_need() -> None:
    queue = Queue()
    send(queue, documents(*[1] * 23))
    send(queue, documents(*[MOST_BYTES // 3] * 5))
    assert [len(call) for call in queue.calls] == [10, 10, 3, 2, 2, 1]


def test_what_was_not_taken_is_sent_again_and_nothing_else_is() -> None:
    queue, wanted = Queue(failing("1", "2"), failing("2")), documents(1, 1, 1)
    sent, pauses = send(queue, wanted)
    assert [len(call) for call in queue.calls] == [3, 2, 1]
    assert sorted(queue.kept) == sorted(each.body for each in wanted)
    assert sent.message_ids == {each.key: f"message of {each.body}" for each in wanted}
    assert pauses == [1, 2]


def test_what_is_never_taken_is_given_up_and_told_with_its_reason() -> None:
    queue, wanted = Queue(*[failing("1")] * 9), documents(1, 1, 1)
    sent, _ = send(queue, wanted)
    assert [len(call) for call in queue.calls] == [3, 1, 1, 1]
    assert sent.unsent == {wanted[1].key: "InternalError: no"}


def test_a_message_that_is_itself_at_fault_is_not_tried_again() -> None:
    queue, wanted = Queue(failing("0", own_fault=True)), documents(1, 1)
    sent, pauses = send(queue, wanted)
    assert (len(queue.calls), pauses) == (1, [])
    assert sent.unsent.keys() == {wanted[0].key}


def test_a_message_of_which_the_answer_says_nothing_is_not_called_sent() -> None:
    queue, wanted = Queue(*[lambda _call: {"Omitted": ["0"]}] * 4), documents(1, 1)
    sent, _ = send(queue, wanted)
    assert sent.unsent == {wanted[0].key: "SQS did not say what became of it"}


def test_a_call_that_fails_in_passing_is_made_again() -> None:
    throttled = ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "SendMessage")
    queue = Queue(throttled, EndpointConnectionError(endpoint_url="https://queue"))
    sent, _ = send(queue, documents(1))
    assert (len(queue.calls), len(sent.message_ids)) == (3, 1)


@pytest.mark.parametrize(
    ("code", "calls", "reason"),
    [("AccessDenied", 2, "AccessDenied"), ("InternalServiceError", 5, "it may not have arrived")],
)
def test_after_a_call_that_is_refused_as_a_whole_the_rest_is_not_tried(
    code: str, calls: int, reason: str
) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "SendMessageBatch")
    queue, wanted = Queue(lambda _call: {}, *[error] * 4), documents(*[1] * 25)
    sent, _ = send(queue, wanted)
    assert len(queue.calls) == calls
    assert [each.key for each in wanted[:10]] == list(sent.message_ids)
    assert reason in sent.unsent[wanted[10].key]
    assert sent.unsent[wanted[20].key].startswith("not tried: ")


def test_bodies_are_requests_of_the_functions() -> None:
    [document] = documents(3)
    assert json.loads(document.body) == document.request.to_wire()
