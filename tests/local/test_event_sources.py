"""Pollers between queues and functions, against moto's queues."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.aws import Aws
from local.event_sources import Poller, QueueMapping, failed_ids, record
from local.lambdas import Invocation
from local.queues import one_at_a_time

Sqs = Any
Polling = Callable[..., AbstractContextManager[None]]


@dataclass
class Function:
    """Keeps the batches it was given, and answers as it is told."""

    answer: Callable[[list[dict[str, Any]]], Invocation] = lambda _records: Invocation(None)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str, event: Mapping[str, Any]) -> Invocation:
        with self._lock:
            self.names.add(name)
            self.batches.append(event["Records"])
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.answer(event["Records"])
        finally:
            with self._lock:
                self.at_once -= 1

    @property
    def bodies(self) -> list[str]:
        return [record["body"] for batch in list(self.batches) for record in batch]


@pytest.fixture
def stopping() -> threading.Event:
    """Once set, nobody waits for messages any more."""
    return threading.Event()


@pytest.fixture
def sqs(aws: Aws, stopping: threading.Event) -> Iterator[Sqs]:
    with one_at_a_time(stopping):
        yield aws.client("sqs")


def queue(sqs: Sqs, **attributes: str) -> str:
    """The URL of a new queue."""
    url: str = sqs.create_queue(QueueName=uuid.uuid4().hex, Attributes=attributes)["QueueUrl"]
    return url


def arn(sqs: Sqs, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def depth(sqs: Sqs, url: str) -> int:
    """Messages there, visible or not."""
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(answer["ApproximateNumberOfMessages"]) + int(
        answer["ApproximateNumberOfMessagesNotVisible"]
    )


def send(sqs: Sqs, url: str, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)


@pytest.fixture
def polling(sqs: Sqs, stopping: threading.Event) -> Polling:
    """``polling(url, function, **settings)``: a poller of the queue, until the block ends."""

    @contextmanager
    def polling(url: str, function: Function, **settings: Any) -> Iterator[None]:
        mapping = QueueMapping(queue_arn=arn(sqs, url), function_arn="the-function", **settings)
        poller = Poller(mapping, sqs, function, stopping)
        poller.start()
        try:
            yield
        finally:
            stopping.set()
            poller.join()

    return polling


def reports(*failed: str) -> Callable[[list[dict[str, Any]]], Invocation]:
    """A function that reports the records with these bodies as failed."""

    def answer(records: list[dict[str, Any]]) -> Invocation:
        ids = [record["messageId"] for record in records if record["body"] in failed]
        return Invocation({"batchItemFailures": [{"itemIdentifier": found} for found in ids]})

    return answer


def test_the_function_gets_the_event_that_lambda_documents(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any]
) -> None:
    url, function = queue(sqs), Function()
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="hello",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "greeting"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        },
    )
    before = int(time.time() * 1000)
    with polling(url, function):
        eventually(lambda: function.batches)

    found = function.batches[0][0]
    assert function.names == {"the-function"}
    assert found.pop("receiptHandle")
    assert found.pop("md5OfMessageAttributes") == sent["MD5OfMessageAttributes"]
    attributes = found.pop("attributes")
    assert {"ApproximateFirstReceiveTimestamp", "SenderId"} <= set(attributes)
    assert attributes["ApproximateReceiveCount"] == "1"
    assert abs(int(attributes["SentTimestamp"]) - before) < 5000
    assert found == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "messageAttributes": {
            "kind": {
                "stringValue": "greeting",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            },
            "raw": {
                "binaryValue": "AAE=",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "Binary",
            },
        },
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": arn(sqs, url),
        "awsRegion": "eu-central-1",
    }


def test_what_the_function_has_dealt_with_is_deleted(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any]
) -> None:
    url, function = queue(sqs), Function()
    send(sqs, url, *map(str, range(25)))
    with polling(url, function):
        eventually(lambda: depth(sqs, url) == 0)

    assert sorted(function.bodies) == sorted(map(str, range(25)))
    assert max(map(len, function.batches)) <= 10


def test_a_window_collects_more_than_one_receive_can(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any]
) -> None:
    url, function = queue(sqs), Function()
    send(sqs, url, *map(str, range(25)))
    with polling(url, function, batch_size=15, window_seconds=0.5):
        eventually(lambda: depth(sqs, url) == 0)

    assert list(map(len, function.batches)) == [15, 10]


def test_a_window_waits_for_messages_that_come_later(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any]
) -> None:
    url, function = queue(sqs), Function()
    with polling(url, function, batch_size=2, window_seconds=20):
        send(sqs, url, "first")
        assert not function.batches
        send(sqs, url, "second")
        eventually(lambda: function.batches)

    assert function.bodies == ["first", "second"]


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_batches_at_once_than_the_mapping_allows(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any], most: int
) -> None:
    url, full = queue(sqs), threading.Barrier(most)

    def answer(_records: list[dict[str, Any]]) -> Invocation:
        full.wait(10)
        return Invocation(None)

    function = Function(answer)
    send(sqs, url, *map(str, range(6)))
    with polling(url, function, batch_size=1, concurrency=most):
        eventually(lambda: depth(sqs, url) == 0)

    assert function.most_at_once == most


def test_messages_stay_in_the_queue_until_a_batch_can_be_worked_on(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any]
) -> None:
    url, free = queue(sqs), threading.Event()

    def answer(_records: list[dict[str, Any]]) -> Invocation:
        free.wait(10)
        return Invocation(None)

    def visible() -> str:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return str(attributes["ApproximateNumberOfMessages"])

    function = Function(answer)
    send(sqs, url, "first", "second", "third")
    with polling(url, function, batch_size=1, concurrency=1):
        eventually(lambda: function.batches)
        assert {visible() for _ in range(30)} == {"2"}
        free.set()
        eventually(lambda: depth(sqs, url) == 0)


def test_only_the_records_that_failed_come_again_and_then_become_dead_letters(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any]
) -> None:
    dead = queue(sqs)
    url = queue(
        sqs,
        VisibilityTimeout="1",
        RedrivePolicy=f'{{"deadLetterTargetArn": "{arn(sqs, dead)}", "maxReceiveCount": 2}}',
    )
    function = Function(reports("bad"))
    sqs.send_message_batch(
        QueueUrl=url,
        Entries=[{"Id": body, "MessageBody": body} for body in ("good", "bad", "fine")],
    )
    with polling(url, function, reports_item_failures=True):
        eventually(lambda: depth(sqs, dead) == 1)

    assert sorted(function.bodies) == ["bad", "bad", "fine", "good"]
    tries = [found for batch in function.batches for found in batch if found["body"] == "bad"]
    assert [found["attributes"]["ApproximateReceiveCount"] for found in tries] == ["1", "2"]
    letter = sqs.receive_message(QueueUrl=dead)["Messages"][0]
    assert (letter["Body"], letter["MessageId"]) == ("bad", tries[0]["messageId"])
    assert depth(sqs, url) == 0


def test_the_whole_batch_comes_again_when_the_function_fails(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any]
) -> None:
    url = queue(sqs, VisibilityTimeout="1")
    outcomes = iter([Invocation({"errorType": "ValueError"}, failed=True)])
    function = Function(lambda _records: next(outcomes, Invocation(None)))
    send(sqs, url, "a", "b")
    with polling(url, function, batch_size=2, window_seconds=0.5):
        eventually(lambda: depth(sqs, url) == 0)

    assert sorted(function.bodies) == ["a", "a", "b", "b"]


def test_a_function_that_cannot_be_called_loses_nothing(
    sqs: Sqs, polling: Polling, eventually: Callable[..., Any]
) -> None:
    url = queue(sqs, VisibilityTimeout="1")
    calls: list[int] = []

    def answer(_records: list[dict[str, Any]]) -> Invocation:
        calls.append(1)
        if len(calls) == 1:
            raise sqs.exceptions.ClientError({"Error": {"Code": "Throttled"}}, "Invoke")
        return Invocation(None)

    send(sqs, url, "a")
    with polling(url, Function(answer)):
        eventually(lambda: depth(sqs, url) == 0)

    assert len(calls) == 2


def test_a_stopped_poller_leaves_no_thread(sqs: Sqs, polling: Polling) -> None:
    def threads() -> list[str]:
        names = [thread.name for thread in threading.enumerate()]
        return [name for name in names if name.startswith(("poller-of-", "batches-of-"))]

    with polling(queue(sqs), Function()):
        assert threads()

    assert not threads()


BATCH = [{"MessageId": "a"}, {"MessageId": "b"}]
ALL = {"a", "b"}


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        (None, set[str]()),
        ({}, set[str]()),
        ({"batchItemFailures": None}, set[str]()),
        ({"batchItemFailures": []}, set[str]()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "a"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": "c"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": ["a"]}]}, ALL),
        ({"batchItemFailures": [{"messageId": "a"}]}, ALL),
        ({"batchItemFailures": ["a"]}, ALL),
        ({"batchItemFailures": "a"}, ALL),
        ("fine", ALL),
        ([], ALL),
    ],
)
def test_what_counts_as_failed_is_lambdas_rule(payload: Any, kept: set[str]) -> None:
    assert failed_ids(Invocation(payload), BATCH, reports_item_failures=True) == kept


def test_an_answer_means_nothing_where_the_mapping_asks_for_no_report() -> None:
    answer = Invocation({"batchItemFailures": [{"itemIdentifier": "a"}]})

    assert failed_ids(answer, BATCH, reports_item_failures=False) == set()
    assert failed_ids(Invocation(None, failed=True), BATCH, reports_item_failures=False) == ALL


def test_a_mapping_is_read_as_pulumi_registers_it() -> None:
    mapping = QueueMapping.from_inputs(
        {
            "eventSourceArn": "arn:aws:sqs:eu-central-1:1:q",
            "functionName": "arn:aws:lambda:eu-central-1:1:function:f",
            "batchSize": 100,
            "maximumBatchingWindowInSeconds": 5,
            "functionResponseTypes": ["ReportBatchItemFailures"],
            "scalingConfig": {"maximumConcurrency": 3},
        }
    )

    assert mapping == QueueMapping(
        queue_arn="arn:aws:sqs:eu-central-1:1:q",
        function_arn="arn:aws:lambda:eu-central-1:1:function:f",
        batch_size=100,
        window_seconds=5,
        concurrency=3,
        reports_item_failures=True,
    )


def test_a_message_without_attributes_has_none() -> None:
    message = {"MessageId": "a", "ReceiptHandle": "r", "Body": "b", "MD5OfBody": "m"}

    found = record(message, "arn:aws:sqs:eu-west-1:1:q")

    assert (found["attributes"], found["messageAttributes"]) == ({}, {})
    assert "md5OfMessageAttributes" not in found
