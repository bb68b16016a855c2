"""When a message that failed comes again."""

import boto3
import pytest
from botocore.stub import Stubber

from functions.clients.sqs import Queue
from functions.errors import AwsRejectedError, AwsUnavailableError

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/downloads"


@pytest.mark.parametrize(
    ("receives", "delay"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900), (1000, 900)],
)
def test_the_wait_doubles_with_each_receive_up_to_15_minutes(
    aws: None, receives: int, delay: int
) -> None:
    client = boto3.client("sqs")
    with Stubber(client) as sqs:
        sqs.add_response(
            "change_message_visibility",
            {},
            {"QueueUrl": URL, "ReceiptHandle": "receipt", "VisibilityTimeout": delay},
        )
        Queue(client, URL, retry_delay_seconds=30).retry_later("receipt", receives)
        sqs.assert_no_pending_responses()


def test_a_message_comes_again_when_its_wait_is_over(aws: None) -> None:
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="downloads", Attributes={"VisibilityTimeout": "1800"})[
        "QueueUrl"
    ]
    client.send_message(QueueUrl=url, MessageBody="a message")
    [message] = client.receive_message(QueueUrl=url)["Messages"]
    assert "Messages" not in client.receive_message(QueueUrl=url)

    Queue(client, url, retry_delay_seconds=0).retry_later(message["ReceiptHandle"], 1)

    [again] = client.receive_message(QueueUrl=url)["Messages"]
    assert again["MessageId"] == message["MessageId"]


def test_a_receipt_that_is_good_no_more_is_rejected(aws: None) -> None:
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="downloads")["QueueUrl"]

    with pytest.raises(AwsRejectedError, match="ReceiptHandle"):
        Queue(client, url, retry_delay_seconds=30).retry_later("no receipt", 1)


def test_a_throttled_queue_is_unavailable(aws: None) -> None:
    client = boto3.client("sqs")
    with Stubber(client) as sqs:
        sqs.add_client_error("change_message_visibility", "RequestThrottled", http_status_code=403)
        with pytest.raises(AwsUnavailableError):
            Queue(client, URL, retry_delay_seconds=30).retry_later("receipt", 1)
