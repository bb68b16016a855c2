"""Deliveries in, partial batch responses out."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from functions import observability
from functions.clients.dynamodb import Table
from functions.clients.sqs import Queue
from functions.deliveries import (
    KEEP_SECONDS,
    Delivery,
    Failure,
    batch_response,
    read_deliveries,
    side_by_side,
)
from functions.errors import LeaseHeldError, UnusableAnswerError
from tests.functions.conftest import LogLines, MakeTable
from tests.functions.invocations import SourceQueue, failed_ids

SQS_EVENT = Path(__file__).with_name("payloads") / "sqs_event.json"


@pytest.fixture
def source(aws: None) -> SourceQueue:
    return SourceQueue("downloads")


@pytest.fixture
def queue(source: SourceQueue) -> Queue:
    return Queue(source._client, source.url, retry_delay_seconds=0)


@pytest.fixture
def reasons(make_table: MakeTable) -> Table:
    return make_table("ledger")


def delivered(source: SourceQueue, *bodies: str) -> list[Delivery]:
    source.send(*bodies)
    return read_deliveries(source.event())


def test_an_event_of_sqs_is_read() -> None:
    event: dict[str, Any] = json.loads(SQS_EVENT.read_text())

    assert read_deliveries(event) == [
        Delivery(
            message_id="059f36b4-87a3-44ab-83d2-661975830a7d",
            receipt="AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            body="Test message.",
            receives=1,
            sent_at=1545082649,
        ),
        Delivery(
            message_id="2e1424d4-f796-459a-8184-9c92662be6da",
            receipt="AQEBzWwaftRI0KuVm4tP+/7q1rGgNqicHq",
            body="Test message.",
            receives=3,
            sent_at=1545082650,
        ),
    ]


def test_tasks_are_really_worked_on_side_by_side() -> None:
    together = threading.Barrier(10)

    def meet(number: int) -> int:
        together.wait(10)
        return number

    assert side_by_side(meet, range(10)) == list(range(10))


def test_results_come_in_the_order_of_the_tasks_however_they_finish() -> None:
    def wait(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    assert side_by_side(wait, [0.05, 0.0, 0.02]) == [0.05, 0.0, 0.02]


def test_a_task_that_fails_fails_alone() -> None:
    error = UnusableAnswerError("empty")

    def work(number: int) -> int | None:
        if number == 1:
            raise error
        return None if number == 2 else number

    assert side_by_side(work, range(4)) == [0, error, None, 3]


def test_there_may_be_none_or_more_tasks_than_threads() -> None:
    assert side_by_side(str, []) == []
    assert side_by_side(str, range(100)) == [str(number) for number in range(100)]


def test_just_the_deliveries_that_failed_are_given_back(
    source: SourceQueue, queue: Queue, reasons: Table
) -> None:
    _, bad, _ = delivered(source, "good", "bad", "good too")

    response = batch_response(
        [Failure(delivery=bad, error=UnusableAnswerError("empty"))], queue=queue, reasons=reasons
    )

    assert response == {"batchItemFailures": [{"itemIdentifier": bad.message_id}]}
    assert [again.body for again in read_deliveries(source.event())] == ["bad"]
    assert batch_response([], queue=queue, reasons=reasons) == {"batchItemFailures": []}


def test_the_reason_is_kept_under_the_messages_id_for_longer_than_a_dead_letter(
    source: SourceQueue, queue: Queue, reasons: Table
) -> None:
    [bad] = delivered(source, "bad")
    before = int(time.time())

    batch_response(
        [Failure(delivery=bad, error=LeaseHeldError("another worker has it"))],
        queue=queue,
        reasons=reasons,
    )

    kept = reasons.get({"pk": f"MESSAGE#{bad.message_id}", "sk": "FAILURE"})
    assert kept is not None
    assert (kept["reason"], kept["receives"]) == ("another worker has it", 1)
    assert before <= kept["at"] <= time.time()
    assert kept["expiresAt"] == kept["at"] + KEEP_SECONDS
    assert KEEP_SECONDS > 2 * 14 * 86_400


def test_an_error_without_a_text_is_kept_by_its_kind(
    source: SourceQueue, queue: Queue, reasons: Table
) -> None:
    [bad] = delivered(source, "bad")

    batch_response([Failure(delivery=bad, error=KeyError())], queue=queue, reasons=reasons)

    kept = reasons.get({"pk": f"MESSAGE#{bad.message_id}", "sk": "FAILURE"})
    assert kept is not None
    assert kept["reason"] == "KeyError"


def test_a_reason_that_cannot_be_kept_takes_no_delivery_from_its_queue(
    source: SourceQueue, queue: Queue, logged: LogLines
) -> None:
    failures = [
        Failure(delivery=each, error=UnusableAnswerError("empty"))
        for each in delivered(source, "one", "two")
    ]

    response = batch_response(failures, queue=queue, reasons=Table.named("missing"))

    assert failed_ids(response) == [failure.delivery.message_id for failure in failures]
    assert [again.body for again in read_deliveries(source.event())] == ["one", "two"]
    assert [line["message"] for line in logged()].count("the reason was not recorded") == 2


def test_a_delivery_that_cannot_come_sooner_is_given_back_with_its_reason_kept(
    queue: Queue, reasons: Table, logged: LogLines
) -> None:
    late = Delivery(message_id="1", receipt="good no more", body="", receives=1)

    response = batch_response(
        [Failure(delivery=late, error=UnusableAnswerError("empty"))], queue=queue, reasons=reasons
    )

    assert failed_ids(response) == ["1"]
    assert reasons.get({"pk": "MESSAGE#1", "sk": "FAILURE"}) is not None
    assert logged()[-1]["error"] == "AwsRejectedError"


def test_a_defect_is_logged_with_its_traceback_and_our_own_errors_without(
    source: SourceQueue, queue: Queue, reasons: Table, logged: LogLines
) -> None:
    def fail(error: Exception) -> None:
        raise error

    errors: list[Exception] = [UnusableAnswerError("empty"), KeyError("a defect")]
    deliveries = delivered(source, "one", "two")
    failures = [
        Failure(delivery=delivery, error=outcome)
        for delivery, outcome in zip(deliveries, side_by_side(fail, errors), strict=True)
        if isinstance(outcome, BaseException)
    ]

    batch_response(failures, queue=queue, reasons=reasons)

    ours, defect = logged()
    assert (ours["error"], ours["detail"]) == ("UnusableAnswerError", "empty")
    assert ours["message_id"] == deliveries[0].message_id
    assert "exception" not in ours
    assert "in fail" in defect["exception"]
    assert sum(observability.metrics().metric_set["RecordsFailed"]["Value"]) == 2
