"""What Lambda gives a handler."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext


class Context(LambdaContext):
    """The context of an invocation that has so many seconds."""

    def __init__(self, request_id: str = "invocation-1", seconds: float = 300) -> None:
        self._aws_request_id = request_id
        self._function_name = "function-under-test"
        self._ends_at = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # theirs is static
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


class SourceQueue:
    """A queue and what Lambda's poller does with it."""

    def __init__(self, name: str, *, visibility_timeout: int = 1800) -> None:
        self._client: Any = boto3.client("sqs")
        attributes: Any = {"VisibilityTimeout": str(visibility_timeout)}
        self.url: str = self._client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def send(self, *bodies: Mapping[str, Any] | str) -> None:
        """Put messages into the queue."""
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self._client.send_message(QueueUrl=self.url, MessageBody=text)

    def event(self) -> dict[str, Any]:
        """The event of the messages that are visible, at most ten; they are invisible then."""
        received = self._client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["All"]
        )
        return {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "eventSource": "aws:sqs",
                }
                for message in received.get("Messages", [])
            ]
        }

    def settle(self, event: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Delete what the response does not give back."""
        given_back = failed_ids(response)
        for record in event["Records"]:
            if record["messageId"] not in given_back:
                self._client.delete_message(
                    QueueUrl=self.url, ReceiptHandle=record["receiptHandle"]
                )

    def left(self) -> int:
        """How many messages are in the queue, visible or not."""
        names: Sequence[Any] = (
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        )
        answer = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(value) for value in answer["Attributes"].values())


def failed_ids(response: Mapping[str, Any]) -> list[str]:
    """The messages that a partial batch response gives back."""
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]
