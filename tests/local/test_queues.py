"""moto's queues under many threads."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from moto.sqs.models import SQSBackend, sqs_backends

from local.aws import Aws
from local.queues import fit_for_many_messages, one_at_a_time


@pytest.mark.usefixtures("impatient_threads")
def test_each_message_reaches_one_receiver_and_none_is_lost(aws: Aws) -> None:
    messages, received = 200, Counter[str]()
    queues: SQSBackend = sqs_backends[aws.account][aws.region]
    queues.create_queue("many", VisibilityTimeout=60)

    def send(sender: int) -> None:
        for number in range(messages // 2):
            queues.send_message("many", f"{sender}-{number}")

    def receive(_receiver: int) -> None:
        deadline = time.monotonic() + 10
        while received.total() < messages and time.monotonic() < deadline:
            for message in queues.receive_message("many", 10, 0, 60):
                received[message.body] += 1
                queues.delete_message("many", str(message.receipt_handle))

    with one_at_a_time(threading.Event()), ThreadPoolExecutor(5) as threads:
        sending, receiving = threads.map(send, range(2)), threads.map(receive, range(3))
        assert [*sending, *receiving] == [None] * 5

    assert set(received.values()) == {1}
    assert len(received) == messages


def test_a_receiver_waits_until_a_message_comes(aws: Aws) -> None:
    sqs = aws.client("sqs")
    with one_at_a_time(threading.Event()), ThreadPoolExecutor(1) as thread:
        url = sqs.create_queue(QueueName="waited-for")["QueueUrl"]
        waiting = thread.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        assert not waiting.done()
        sqs.send_message(QueueUrl=url, MessageBody="here")

        assert waiting.result(timeout=5)["Messages"][0]["Body"] == "here"


def test_receivers_go_home_when_everything_stops(aws: Aws) -> None:
    stopping = threading.Event()
    sqs = aws.client("sqs")
    with one_at_a_time(stopping), ThreadPoolExecutor(1) as thread:
        url = sqs.create_queue(QueueName="empty")["QueueUrl"]
        waiting = thread.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        stopping.set()

        assert "Messages" not in waiting.result(timeout=5)


def test_a_message_is_there_for_as_long_as_its_queue_keeps_messages(aws: Aws) -> None:
    queues: SQSBackend = sqs_backends[aws.account][aws.region]
    queues.create_queue("forgetful", MessageRetentionPeriod=60, VisibilityTimeout=60)

    def sent(body: str, *, seconds_ago: int) -> None:
        message: Any = queues.send_message("forgetful", body)
        message.sent_timestamp -= seconds_ago * 1000

    with fit_for_many_messages():
        sent("there", seconds_ago=55)
        sent("gone", seconds_ago=65)
        received = queues.receive_message("forgetful", 10, 0, 60)

        assert [message.body for message in received] == ["there"]


def test_a_message_is_counted_by_whether_it_can_be_received(aws: Aws) -> None:
    queues: SQSBackend = sqs_backends[aws.account][aws.region]
    queue = queues.create_queue("counted", VisibilityTimeout=60)
    with fit_for_many_messages():
        for number in range(3):
            queues.send_message("counted", str(number))
        queues.send_message("counted", "later", delay_seconds=60)
        queues.receive_message("counted", 1, 0, 60)

        assert queue.approximate_number_of_messages == 2
        assert queue.approximate_number_of_messages_not_visible == 1
        assert queue.approximate_number_of_messages_delayed == 1
