"""Messages of a dead-letter queue, held while somebody looks at them.

To look at a message is to receive it, which counts as a receive and hides it for a while. The
count does no harm in a dead-letter queue: it has no redrive policy that would act on it. What is
not deleted is let go at the end, so that nobody has to wait for it; if that fails, or the process
is killed, it is seen again when its time is over.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from ops.letters.queues import QueueCounts

# The most that one call of SQS gives or takes.
_A_CALL = 10


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message as it was received."""

    message_id: str
    receipt: str
    body: str
    sent_at: float
    """Unix seconds, of the first sending: a dead letter keeps it."""
    attributes: Mapping[str, Any]
    """As SendMessage takes them."""

    def text(self, name: str) -> str:
        """An attribute's text; empty if there is none."""
        return str(self.attributes.get(name, {}).get("StringValue", ""))


class Hold:
    """The messages of one queue that are in this process's hands, until the block ends.

    Errors: botocore's own.
    """

    def __init__(self, sqs: Any, url: str, *, seconds: int) -> None:
        self._sqs = sqs
        self._url = url
        self._seconds = seconds
        self._held: dict[str, Message] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._release()

    def take(self, counts: QueueCounts, most: int) -> list[Message]:
        """Receive the messages that can be had, ``most`` at the most; ``counts`` are the queue's.

        A receive that does not wait asks only some of SQS's servers, so an empty answer means
        nothing while there are more to come.
        """
        while len(self._held) < most:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(_A_CALL, most - len(self._held)),
                VisibilityTimeout=self._seconds,
                WaitTimeSeconds=1 if len(self._held) < counts.waiting else 0,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                break
            # One that comes twice, which can happen, is one: the newest receipt is the good one.
            for message in map(_message, answer["Messages"]):
                self._held[message.message_id] = message
        return list(self._held.values())

    def keep(self, message: Message) -> None:
        """Hold a message for the whole time from now on; an error if it is held no more."""
        self._sqs.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=self._seconds
        )

    def delete(self, message: Message) -> None:
        """Delete a message from the queue."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)
        del self._held[message.message_id]

    def _release(self) -> None:
        remaining = iter(self._held.values())
        while some := list(islice(remaining, _A_CALL)):
            # One that cannot be let go was let go before, or will be when its time is over.
            with suppress(ClientError, BotoCoreError):
                self._sqs.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(n), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0}
                        for n, message in enumerate(some)
                    ],
                )
        self._held.clear()


def _message(received: Mapping[str, Any]) -> Message:
    attributes = {
        # What a receive gives beside these, SendMessage does not take.
        name: {
            key: value[key] for key in ("DataType", "StringValue", "BinaryValue") if key in value
        }
        for name, value in received.get("MessageAttributes", {}).items()
    }
    return Message(
        message_id=received["MessageId"],
        receipt=received["ReceiptHandle"],
        body=received["Body"],
        sent_at=int(received["Attributes"]["SentTimestamp"]) / 1000,
        attributes=attributes,
    )
