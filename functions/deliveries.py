"""The queue's side of a function: deliveries in, partial batch responses out.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field

from functions.clients.dynamodb import Item, Table
from functions.clients.sqs import Queue
from functions.errors import FlowError
from functions.excerpts import excerpt
from functions.messages import Message, Name
from functions.metrics import Metric
from functions.observability import count, describe, logger

_MAX_THREADS = 32
# Longer than a message can live in a queue and then in its dead-letter queue, 14 days each.
KEEP_SECONDS = 35 * 86_400

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One delivery of one SQS message."""

    message_id: str
    receipt: str
    body: str
    receives: int
    sent_at: int | None = None
    """When it first came to the queue, in Unix seconds."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A delivery that goes back to its queue, and why."""

    delivery: Delivery
    error: BaseException


class _Attributes(Message):
    # A number as text.
    receives: Annotated[int, Field(alias="ApproximateReceiveCount", strict=False, ge=0)]
    # In milliseconds, as text.
    sent: Annotated[int | None, Field(alias="SentTimestamp", strict=False, ge=0, le=10**18)] = None


class _Record(Message):
    message_id: Name
    receipt_handle: str
    body: str
    attributes: _Attributes


class _Event(Message):
    records: Annotated[list[_Record], Field(alias="Records")]


def read_deliveries(event: dict[str, Any]) -> list[Delivery]:
    """The records of an SQS event. InvalidMessageError if it is none."""
    return [
        Delivery(
            message_id=record.message_id,
            receipt=record.receipt_handle,
            body=record.body,
            receives=record.attributes.receives,
            sent_at=None if record.attributes.sent is None else record.attributes.sent // 1000,
        )
        for record in _Event.parse(event).records
    ]


def side_by_side(
    work: Callable[[Task], Result], tasks: Sequence[Task]
) -> list[Result | BaseException]:
    """Each task's result or error, in the order of the tasks: one that fails fails alone."""
    if not tasks:
        return []
    with ThreadPoolExecutor(max_workers=min(len(tasks), _MAX_THREADS)) as pool:
        futures = [pool.submit(work, task) for task in tasks]
    return [future.exception() or future.result() for future in futures]


def batch_response(failures: Sequence[Failure], *, queue: Queue, reasons: Table) -> dict[str, Any]:
    """Lambda's answer that gives just the failed deliveries back to their queue.

    Each one's reason goes to the log and, as SQS keeps none with a dead letter, to ``reasons``
    under ``MESSAGE#{id}`` / ``FAILURE``: a message keeps its id on the way to the dead letters.
    """
    for failure in failures:
        _report(failure)
        delivery, reason = failure.delivery, _reason(failure)
        # If they fail, the delivery is given back all the same: later than it might be, its
        # reason in the log alone.
        with _logged("the delivery keeps its visibility timeout"):
            queue.retry_later(delivery.receipt, delivery.receives)
        with _logged("the reason was not recorded"):
            reasons.put(reason)
    return {
        "batchItemFailures": [
            {"itemIdentifier": failure.delivery.message_id} for failure in failures
        ]
    }


@contextmanager
def _logged(consequence: str) -> Iterator[None]:
    try:
        yield
    except FlowError as error:
        logger().error(consequence, extra=describe(error))


def _report(failure: Failure) -> None:
    logger().error(
        "record failed",
        extra={"message_id": failure.delivery.message_id, **describe(failure.error)},
        # Our own errors say what is wrong; anything else is a defect and wants its traceback.
        exc_info=None if isinstance(failure.error, FlowError) else failure.error,
    )
    count(Metric.RECORDS_FAILED)


def _reason(failure: Failure) -> Item:
    now = int(time.time())
    return {
        "pk": f"MESSAGE#{failure.delivery.message_id}",
        "sk": "FAILURE",
        "reason": excerpt(str(failure.error)) or type(failure.error).__name__,
        "receives": failure.delivery.receives,
        "at": now,
        "expiresAt": now + KEEP_SECONDS,
    }
