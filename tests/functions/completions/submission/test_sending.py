"""A batch on its way to OpenAI, when not everything goes as it should."""

from collections.abc import Callable
from typing import BinaryIO

import pytest

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.s3 import Bucket
from functions.completions import capacity, summaries
from functions.completions.batches import BatchSummary
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from functions.errors import LeaseLostError, OpenAIRejectedError, OpenAIUnavailableError
from local.standins.openai import Fault, OpenAIStandIn
from tests.functions.completions.submission.submissions import (
    AFTER_THE_LEASE,
    Desk,
    label,
    material,
    receipt,
)
from tests.functions.conftest import LogLines

NONE, PENDING = ValidationStatus.NONE, ValidationStatus.PENDING
QUEUE_IS_FULL = (
    "Enqueued token limit reached for gpt-test in organization org-1. Limit: 90,000 enqueued "
    "tokens. Please try again once some in_progress batches have been completed."
)


@pytest.fixture
def desk(label_table: Table, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn) -> Desk:
    """Where two receipts wait, with two labels each."""
    desk = Desk(table=label_table, bucket=bucket, jobs=jobs, standin=standin)
    desk.put(receipt(1), receipt(2))
    desk.put(*[label(number, line=line) for number in (1, 2) for line in (1, 4)])
    return desk


def judge(desk: Desk, number: int, line: int) -> None:
    """A person decides about a label."""
    desk.put(label(number, line=line, validation_status=ValidationStatus.VALID))


def test_what_is_logged_of_a_batch_names_it(desk: Desk, logged: LogLines) -> None:
    desk.standin.faults.add(Fault(operation="files.create", status=400))
    with pytest.raises(OpenAIRejectedError):
        desk.submit()
    refused = desk.summary()
    [sent] = desk.submit().batches

    named = {line["message"]: line.get("batch_id") for line in logged()}
    assert named["batch refused"] == refused.batch_id
    assert named["batch submitted"] == sent.batch_id
    [line] = [line for line in logged() if line["message"] == "batch submitted"]
    assert line["openai_batch_id"] == sent.openai_batch_id


@pytest.mark.parametrize("operation", ["files.create", "batches.create"])
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_lets_the_labels_go_at_once(desk: Desk, operation: str, status: int) -> None:
    # A key that is refused is read again and tried once more: it may have been changed.
    times = 2 if status == 401 else 1
    desk.standin.faults.add(Fault(operation=operation, status=status, times=times))

    with pytest.raises(OpenAIRejectedError):
        desk.submit()

    summary = desk.summary()
    assert summary.status == BatchStatus.FAILED
    assert summary.reason
    assert summary.finished_at
    waiting = desk.labels(NONE)
    assert [(each.attempts, each.batch_id) for each in waiting] == [(0, None)] * 4
    assert desk.tokens() == 0
    desk.check()
    assert [batch.target_count for batch in desk.submit().batches] == [4]


@pytest.mark.parametrize("status", [400, 429])
def test_a_full_queue_is_no_error_and_its_limit_is_remembered(desk: Desk, status: int) -> None:
    desk.standin.faults.add(
        Fault(
            operation="batches.create",
            status=status,
            code="token_limit_exceeded",
            message=QUEUE_IS_FULL,
        )
    )

    submitted = desk.submit()

    assert (submitted.batches, submitted.waiting) == ([], 4)
    assert "Limit: 90,000 enqueued tokens" in submitted.reason
    assert desk.summary().status == BatchStatus.FAILED
    assert [each.attempts for each in desk.labels(NONE)] == [0] * 4
    assert capacity.read(desk.table, desk.clock()) == capacity.Capacity(
        tokens=0, openai_limit=90_000
    )
    desk.check()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="files.create", status=500, times=None),
        Fault(operation="files.create", drop="after"),
    ],
    ids=["refused", "lost"],
)
def test_without_a_file_there_is_no_job_so_the_labels_go_at_once(desk: Desk, fault: Fault) -> None:
    desk.standin.faults.add(fault)

    with pytest.raises(OpenAIUnavailableError):
        desk.submit()

    assert len(desk.labels(NONE)) == 4
    assert desk.summary().status == BatchStatus.FAILED
    desk.check()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="batches.create", status=500),
        Fault(operation="batches.create", status=429),
        Fault(operation="batches.create", drop="before"),
        Fault(operation="batches.create", drop="after"),
        Fault(operation="batches.create", malformed=True),
    ],
    ids=["500", "429", "lost on the way", "lost on the way back", "garbled"],
)
def test_a_job_that_may_be_there_keeps_its_labels_and_is_asked_for_once(
    desk: Desk, fault: Fault
) -> None:
    desk.standin.faults.add(fault)

    with pytest.raises(OpenAIUnavailableError):
        desk.submit()

    assert desk.summary().status == BatchStatus.SUBMITTING
    assert len(desk.labels(PENDING)) == 4
    assert desk.standin.calls.count("batches.create") == 1
    desk.check_no_label_is_asked_about_twice()


def test_labels_that_another_takes_meanwhile_are_not_asked_about(desk: Desk) -> None:
    def meanwhile() -> None:
        judge(desk, 1, 1)
        judge(desk, 2, 1)
        judge(desk, 2, 4)

    [batch] = desk.meanwhile(meanwhile).submit().batches

    assert (batch.request_count, batch.target_count) == (1, 1)
    [asked] = desk.requests().values()
    assert [target["line_id"] for target in material(asked[0])["targets"]] == [4]
    kept = desk.bucket.get(batch.targets_key)
    assert kept
    assert kept.count(b"\n") == 1
    assert b'[[4,1,"MERCHANT_NAME"]]' in kept
    desk.check()


def test_a_batch_that_gets_no_label_ends_before_it_has_a_job(desk: Desk) -> None:
    other = []

    submitted = desk.meanwhile(lambda: other.append(desk.submit())).submit()

    assert (submitted.batches, submitted.waiting) == ([], 0)
    assert len(desk.standin.jobs) == 1
    ended = [each for each in desk.summaries() if each.status != BatchStatus.PENDING]
    assert [(each.status, each.reason) for each in ended] == [
        (BatchStatus.CANCELLED, "others had taken all its labels")
    ]
    assert [batch.target_count for batch in other[0].batches] == [4]
    desk.check()


def test_room_that_another_takes_meanwhile_is_not_taken_twice(desk: Desk) -> None:
    desk.standin.faults.add(Fault(operation="files.create", status=400))
    with pytest.raises(OpenAIRejectedError):
        desk.submit()
    room = desk.summary().prompt_tokens
    other = label(3, timestamp_added="0")
    desk.put(receipt(3), other)

    def meanwhile() -> None:
        desk.submit(requests=1, enqueued_tokens=room // 2)

    submitted = desk.meanwhile(meanwhile).submit(requests=2, enqueued_tokens=room)

    assert submitted.batches == []
    assert submitted.waiting
    assert "have taken the prompt tokens" in submitted.reason
    assert [each.id for each in desk.labels(PENDING)] == [other.id]
    assert desk.tokens() <= room
    desk.check()


def after_the_upload(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> None:
    """Have something happen between the upload and the creation of the job."""
    upload = desk.jobs.upload

    def uploading(name: str, requests: BinaryIO, *, expires_after_seconds: int) -> str:
        file_id = upload(name, requests, expires_after_seconds=expires_after_seconds)
        happens()
        return file_id

    monkeypatch.setattr(desk.jobs, "upload", uploading)


def test_a_lease_that_ends_before_the_job_is_asked_for_stops_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def time_passes() -> None:
        desk.clock.now += 3600

    after_the_upload(desk, monkeypatch, time_passes)

    with pytest.raises(LeaseLostError):
        desk.submit()

    assert len(desk.standin.jobs) == 0
    assert desk.reconcile() == {"released": 1, "labels": 4}
    desk.check()


def test_a_job_whose_batch_was_released_meanwhile_is_cancelled(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_the_upload(
        desk, monkeypatch, lambda: summaries.release(desk.table, desk.summary(), desk.clock())
    )

    with pytest.raises(LeaseLostError, match="released"):
        desk.submit()

    assert [job.status for job in desk.standin.jobs.values()] == ["cancelling"]
    assert desk.summary().openai_batch_id is None
    desk.reconcile(after=AFTER_THE_LEASE)
    desk.check()
    assert len(desk.labels(NONE)) == 4


def test_a_job_that_was_adopted_meanwhile_is_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over = summaries.hand_over

    def after_another(table: Table, summary: BatchSummary, job: Job) -> bool:
        assert hand_over(table, summary, job)
        return hand_over(table, summary, job)

    monkeypatch.setattr(summaries, "hand_over", after_another)

    assert len(desk.submit().batches) == 1

    assert desk.standin.calls.count("batches.cancel") == 0
    desk.check()
