"""moto's queues, made safe to use from many threads at a time, and fit for thousands of messages.

moto guards a queue with no lock while it receives and deletes. Two receivers at once now and then
get the same message, and one that is sent during a delete can vanish.

For each message that it sends or receives it counts all the others, nine times over, and works out
the time of day for each of them, by way of calendars: a thousand messages in a queue take a minute.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from moto.sqs.models import Message, Queue, SQSBackend

from local.seams import Seam

RECEIVE = Seam(
    SQSBackend,
    "receive_message",
    (
        "self",
        "queue_name",
        "count",
        "wait_seconds_timeout",
        "visibility_timeout",
        "message_attribute_names",
    ),
)
DELETE = Seam(Queue, "delete_message", ("self", "receipt_handle"))
RETAINED = Seam(
    SQSBackend, "is_message_valid_based_on_retention_period", ("self", "queue_name", "message")
)
NOW = Seam("moto.sqs.models", "unix_time_millis", ("dt",))
# How late a receiver that waits sees a message whose visibility timeout ends.
_LOOK_SECONDS = 0.2


@contextmanager
def one_at_a_time(stopping: threading.Event) -> Iterator[None]:
    """While the block runs, a queue is used by one thread at a time.

    Receivers that wait for a message go home with nothing once ``stopping`` is set.
    """

    def receiving(original: Any) -> Any:
        def receive_message(
            self: SQSBackend,
            queue_name: str,
            count: int,
            wait_seconds_timeout: int,
            visibility_timeout: int,
            message_attribute_names: Sequence[str] | None = None,
        ) -> Any:
            queue = self.get_queue(queue_name)
            deadline = time.monotonic() + int(wait_seconds_timeout or 0)
            while True:
                with queue._messages_lock:  # noqa: SLF001 the lock its sends take
                    messages = original(
                        self, queue_name, count, 0, visibility_timeout, message_attribute_names
                    )
                remaining = deadline - time.monotonic()
                if messages or remaining <= 0 or stopping.is_set():
                    return messages
                queue.wait_for_messages(min(_LOOK_SECONDS, remaining))  # type: ignore[arg-type]

        return receive_message

    def deleting(original: Any) -> Any:
        def delete_message(self: Queue, receipt_handle: str) -> None:
            with self._messages_lock:
                original(self, receipt_handle)

        return delete_message

    with RECEIVE.replaced(receiving), DELETE.replaced(deleting):
        yield


@contextmanager
def fit_for_many_messages() -> Iterator[None]:
    """While the block runs, what a message costs hardly depends on how many others there are."""

    def retaining(_: Any) -> Any:
        def is_valid(self: SQSBackend, queue_name: str, message: Message) -> bool:
            sent: Any = message.sent_timestamp
            retention: Any = self.get_queue(queue_name).message_retention_period  # type: ignore[attr-defined]
            return bool(sent / 1000 + retention > time.time())

        return is_valid

    def telling_time(original: Any) -> Any:
        def unix_time_millis(dt: datetime | None = None) -> float:
            return time.time() * 1000 if dt is None else original(dt)

        return unix_time_millis

    with RETAINED.replaced(retaining), NOW.replaced(telling_time):
        yield
