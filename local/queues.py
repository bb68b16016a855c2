"""moto's queues, made safe to use from many threads at a time.

moto guards a queue with no lock while it receives and deletes. Two receivers at once now and then
get the same message, and one that is sent during a delete can vanish.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from moto.sqs.models import Queue, SQSBackend

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
