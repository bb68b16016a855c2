"""The edge of SQS: when a message that failed comes again."""

from typing import TYPE_CHECKING

from functions.clients import aws, calls

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_MAX_DELAY_SECONDS = 900


class Queue:
    """The queue behind a function.

    A message that failed would come again only when the queue's visibility timeout ends, which has
    to be six times the function's own: half an hour. ``retry_delay_seconds`` is the first wait,
    doubled by each receive up to 15 minutes.
    """

    def __init__(self, client: "SQSClient", url: str, *, retry_delay_seconds: int) -> None:
        self._client = client
        self._url = url
        self._retry_delay = retry_delay_seconds

    def retry_later(self, receipt: str, receives: int) -> None:
        """Let a message come again after its back-off. AwsUnavailableError, AwsRejectedError."""
        delay = min(self._retry_delay * 2 ** min(receives - 1, 20), _MAX_DELAY_SECONDS)
        with aws.translated():
            calls.call(
                "sqs.change_message_visibility",
                lambda: self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=delay
                ),
            )
