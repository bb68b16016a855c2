"""Event-source mappings from SQS to Lambda: the pollers that AWS runs and moto does not.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

import base64
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from local.lambdas import Invocation

logger = logging.getLogger(__name__)

_RECEIVE_MOST = 10
_WAIT_SECONDS = 1
# What AWS starts with, where a mapping sets no maximum.
_DEFAULT_CONCURRENCY = 5
_PAUSE_SECONDS = 0.5
_LOOK_SECONDS = 0.1

Message = dict[str, Any]
Invoke = Callable[[str, Mapping[str, Any]], Invocation]


@dataclass(frozen=True, kw_only=True)
class QueueMapping:
    """One mapping, as it is configured."""

    queue_arn: str
    function_arn: str
    batch_size: int = 10
    window_seconds: float = 0
    concurrency: int = _DEFAULT_CONCURRENCY
    reports_item_failures: bool = False

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> Self:
        """From the properties of an ``aws:lambda/eventSourceMapping:EventSourceMapping``."""
        scaling = inputs.get("scalingConfig") or {}
        return cls(
            queue_arn=inputs["eventSourceArn"],
            function_arn=inputs["functionName"],
            batch_size=inputs.get("batchSize") or 10,
            window_seconds=inputs.get("maximumBatchingWindowInSeconds") or 0,
            concurrency=scaling.get("maximumConcurrency") or _DEFAULT_CONCURRENCY,
            reports_item_failures="ReportBatchItemFailures"
            in (inputs.get("functionResponseTypes") or ()),
        )


class Poller:
    """Feeds one function from one queue, from ``start`` until ``stopping`` is set."""

    def __init__(
        self, mapping: QueueMapping, sqs: Any, invoke: Invoke, stopping: threading.Event
    ) -> None:
        self._mapping = mapping
        self._sqs = sqs
        self._invoke = invoke
        self._stopping = stopping
        queue_name = mapping.queue_arn.rpartition(":")[2]
        self._queue_url = sqs.get_queue_url(QueueName=queue_name)["QueueUrl"]
        # A batch is received only once there is a thread to take it.
        self._free = threading.Semaphore(mapping.concurrency)
        self._workers = ThreadPoolExecutor(mapping.concurrency, f"batches-of-{queue_name}")
        self._receiver = threading.Thread(target=self._run, name=f"poller-of-{queue_name}")

    def start(self) -> None:
        """Begin to receive."""
        self._receiver.start()

    def join(self) -> None:
        """Once ``stopping`` is set, wait for the batches that are being worked on.

        The messages that are not deleted come again, to whoever asks.
        """
        self._receiver.join()
        self._workers.shutdown()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._free.acquire(timeout=_PAUSE_SECONDS):
                continue
            try:
                batch = self._collect()
            except (BotoCoreError, ClientError):
                batch = []
                if not self._stopping.wait(_PAUSE_SECONDS):
                    logger.exception("receiving from %s failed", self._queue_url)
            if batch:
                self._workers.submit(self._work, batch)
            else:
                self._free.release()

    def _collect(self) -> list[Message]:
        """A batch: as many messages as it may have, or as have come when the window closes."""
        batch = self._receive(_WAIT_SECONDS, self._mapping.batch_size)
        closes = time.monotonic() + self._mapping.window_seconds
        while batch and len(batch) < self._mapping.batch_size:
            remaining = closes - time.monotonic()
            if remaining <= 0:
                break
            more = self._receive(0, self._mapping.batch_size - len(batch))
            batch += more
            if not more and self._stopping.wait(min(_LOOK_SECONDS, remaining)):
                break
        return batch

    def _receive(self, wait_seconds: int, most: int) -> list[Message]:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=min(most, _RECEIVE_MOST),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def _work(self, batch: Sequence[Message]) -> None:
        """Call the function, and delete the messages that it has dealt with.

        The others come back when their visibility timeout ends.
        """
        try:
            event = {"Records": [record(message, self._mapping.queue_arn) for message in batch]}
            answer = self._invoke(self._mapping.function_arn, event)
            failed = failed_ids(answer, batch, self._mapping.reports_item_failures)
            self._delete([message for message in batch if message["MessageId"] not in failed])
        except (BotoCoreError, ClientError):
            if not self._stopping.is_set():
                logger.exception("a batch of %s was not worked on", self._queue_url)
        finally:
            self._free.release()

    def _delete(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), _RECEIVE_MOST):
            self._sqs.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(messages[start : start + _RECEIVE_MOST])
                ],
            )


def record(message: Message, queue_arn: str) -> dict[str, Any]:
    """One record of the event: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    found = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        found["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return found


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return attribute


def failed_ids(
    answer: Invocation, batch: Sequence[Message], reports_item_failures: bool
) -> set[str]:
    """The ids of the messages to keep.

    What counts as success and as failure is AWS's, down to the odd answers:
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    ids = {message["MessageId"] for message in batch}
    if answer.failed:
        return ids
    if not reports_item_failures or answer.payload is None:
        return set()
    if not isinstance(answer.payload, dict):
        return ids
    failures = answer.payload.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list):
        return ids
    named: list[Any] = [
        failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures
    ]
    return set(named) if all(isinstance(name, str) and name in ids for name in named) else ids
