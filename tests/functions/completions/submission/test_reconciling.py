"""What crashes leave behind, and how it is mended."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.s3 import Bucket
from functions.completions import summaries
from functions.completions.batches import BatchSummary
from functions.completions.entities import VECTOR_MISSING, iso
from functions.completions.submission import claims
from functions.completions.targets import targets_key
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from functions.errors import InvalidItemError, OpenAIUnavailableError
from local.standins.openai import Fault, JobPlan, OpenAIStandIn
from tests.functions.completions.submission.submissions import (
    AFTER_THE_LEASE,
    MODEL,
    Desk,
    label,
    receipt,
)
from tests.functions.conftest import LogLines

NONE, PENDING = ValidationStatus.NONE, ValidationStatus.PENDING
DAY = 86_400


@pytest.fixture
def desk(label_table: Table, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn) -> Desk:
    """Where two receipts wait, with two labels each."""
    desk = Desk(table=label_table, bucket=bucket, jobs=jobs, standin=standin)
    desk.put(receipt(1), receipt(2))
    desk.put(*[label(number, line=line) for number in (1, 2) for line in (1, 4)])
    return desk


def lose_the_answer(desk: Desk, *, job: bool) -> None:
    """Submit, but never hear whether there is a job."""
    desk.standin.faults.add(Fault(operation="batches.create", drop="after" if job else "before"))
    with pytest.raises(OpenAIUnavailableError):
        desk.submit()


def summary(batch_id: str, **more: Any) -> BatchSummary:
    usual = {
        "status": BatchStatus.SUBMITTING,
        "submitted_at": iso(0),
        "model": MODEL,
        "targets_key": targets_key(batch_id),
        "target_count": 1,
        "request_count": 1,
        "prompt_tokens": 0,
    }
    return BatchSummary(batch_id=batch_id, **{**usual, **more})


def test_where_nothing_is_wrong_nothing_is_done(desk: Desk) -> None:
    desk.submit()
    desk.standin.calls.clear()

    assert desk.reconcile(after=AFTER_THE_LEASE) == {}

    assert len(desk.standin.calls) == 0
    desk.check()


def test_a_job_whose_answer_was_lost_is_found_again(desk: Desk) -> None:
    lose_the_answer(desk, job=True)

    assert desk.reconcile(after=AFTER_THE_LEASE) == {"adopted": 1}

    [job] = desk.standin.jobs.values()
    found = desk.summary()
    assert (found.status, found.openai_batch_id) == (BatchStatus.PENDING, job.id)
    assert found.input_file_id == job.input_file.id
    desk.check()


def test_a_batch_in_its_submitters_hands_is_left_there(desk: Desk) -> None:
    lose_the_answer(desk, job=True)

    assert desk.reconcile(after=900) == {}

    assert desk.summary().status == BatchStatus.SUBMITTING


def test_labels_without_a_job_wait_again_and_are_asked_about_in_another_batch(desk: Desk) -> None:
    lose_the_answer(desk, job=False)

    assert desk.reconcile(after=AFTER_THE_LEASE) == {"released": 1, "labels": 4}

    assert [(each.attempts, each.batch_id) for each in desk.labels(NONE)] == [(0, None)] * 4
    assert desk.tokens() == 0
    assert desk.reconcile() == {}
    assert len(desk.submit().batches) == 1
    desk.check()
    desk.check_no_label_is_asked_about_twice()


def test_a_job_that_turns_up_after_the_release_is_cancelled(desk: Desk) -> None:
    desk.standin.job_plans.add(JobPlan(unseen=1, in_progress=None, times=1))
    lose_the_answer(desk, job=True)
    assert desk.reconcile(after=AFTER_THE_LEASE) == {"released": 1, "labels": 4}
    [batch] = desk.submit().batches

    assert desk.reconcile() == {"cancelled": 1}

    late, live = desk.standin.jobs.values()
    assert late.status == "cancelling"
    assert live.id == batch.openai_batch_id
    assert live.status != "cancelling"
    [ended] = [each for each in desk.summaries() if each.batch_id != batch.batch_id]
    assert ended.status == BatchStatus.CANCELLED
    assert late.id in (ended.reason or "")
    assert desk.tokens() == batch.prompt_tokens
    desk.check()


def test_a_late_job_that_has_ended_need_not_be_cancelled(desk: Desk) -> None:
    desk.standin.job_plans.add(JobPlan(unseen=1, status="failed"))
    lose_the_answer(desk, job=True)
    desk.reconcile(after=AFTER_THE_LEASE)

    # A look finds it validating at first.
    [job] = desk.standin.jobs.values()
    desk.jobs.job(job.id)
    assert desk.reconcile() == {"cancelled": 1}

    assert desk.standin.calls.count("batches.cancel") == 0
    desk.check()


def test_a_late_job_that_cannot_be_cancelled_now_is_cancelled_later(desk: Desk) -> None:
    desk.standin.job_plans.add(JobPlan(unseen=1, in_progress=None))
    lose_the_answer(desk, job=True)
    desk.reconcile(after=AFTER_THE_LEASE)
    desk.standin.faults.add(Fault(operation="batches.cancel", status=500))

    with pytest.raises(OpenAIUnavailableError):
        desk.reconcile()
    assert desk.summary().status == BatchStatus.SUBMITTING

    assert desk.reconcile() == {"cancelled": 1}


def test_a_batch_whose_job_never_came_has_failed_in_the_end(desk: Desk) -> None:
    lose_the_answer(desk, job=False)
    desk.reconcile(after=AFTER_THE_LEASE)

    assert desk.reconcile(after=DAY / 2) == {}
    assert desk.reconcile(after=DAY / 2 + 2 * 3600) == {"failed": 1}

    assert desk.summary().status == BatchStatus.FAILED
    assert desk.tokens() == 0
    assert desk.reconcile() == {}


def test_another_stacks_job_is_none_of_ours(desk: Desk) -> None:
    lose_the_answer(desk, job=False)
    file_id = desk.jobs.upload("x.jsonl", io.BytesIO(b"{}\n"), expires_after_seconds=3600)
    desk.jobs.create(file_id, metadata={"batch_id": desk.summary().batch_id, "stack": "another"})
    desk.jobs.create(file_id, metadata={})

    assert desk.reconcile(after=AFTER_THE_LEASE) == {"released": 1, "labels": 4}


def test_one_broken_batch_keeps_no_other_from_being_mended(desk: Desk, logged: LogLines) -> None:
    lose_the_answer(desk, job=False)
    desk.put(summary("0-without-targets"), summary("z-without-targets"))
    unreadable = summary("unreadable")
    desk.table.put(unreadable.to_item() | {"prompt_tokens": "many"})

    with pytest.raises(InvalidItemError, match="0-without-targets has no targets"):
        desk.reconcile(after=AFTER_THE_LEASE)

    assert len(desk.labels(NONE)) == 4
    told = [line["detail"] for line in logged() if "detail" in line]
    assert any("BATCH#unreadable" in detail for detail in told)
    assert any("z-without-targets" in detail for detail in told)
    assert desk.reconcile() == {"failed": 2}


def test_openais_silence_keeps_no_orphan_waiting(desk: Desk) -> None:
    lose_the_answer(desk, job=False)
    orphan = label(3, validation_status=PENDING, batch_id="gone")
    desk.put(orphan)
    desk.standin.faults.add(Fault(operation="batches.list", status=500))

    with pytest.raises(OpenAIUnavailableError):
        desk.reconcile(after=AFTER_THE_LEASE)

    assert [each.id for each in desk.labels(NONE)] == [orphan.id]
    assert desk.reconcile() == {"released": 1, "labels": 4}


@pytest.mark.parametrize(
    ("batch", "is_orphan"),
    [
        (None, True),
        (summary("b", status=BatchStatus.FAILED), True),
        (summary("b", status=BatchStatus.COMPLETED), True),
        (summary("b", status=BatchStatus.EXPIRED), True),
        (summary("b", status=BatchStatus.CANCELLED), True),
        (summary("b", submitted_at=iso(9_999_999_999), lease_until=9_999_999_999), False),
        (summary("b", status=BatchStatus.PENDING), False),
    ],
    ids=lambda value: value.status if isinstance(value, BatchSummary) else str(value),
)
def test_a_label_whose_batch_is_over_waits_again(
    desk: Desk, batch: BatchSummary | None, is_orphan: bool
) -> None:
    if batch:
        desk.put(batch)
    desk.put(held := label(9, validation_status=PENDING, batch_id="b", attempts=1))

    assert desk.reconcile() == ({"orphans": 1} if is_orphan else {})

    found = [each for each in desk.labels(NONE) if each.id == held.id]
    freed = held.model_copy(update={"validation_status": NONE, "batch_id": None})
    assert found == ([freed] if is_orphan else [])


def test_a_label_that_is_pending_under_no_batch_waits_again(desk: Desk) -> None:
    desk.put(label(9, validation_status=PENDING))

    assert desk.reconcile() == {"orphans": 1}
    assert len(desk.labels(NONE)) == 5


def test_a_label_whose_batch_cannot_be_read_stays_with_it(desk: Desk, logged: LogLines) -> None:
    desk.table.put(summary("b", status=BatchStatus.PENDING).to_item() | {"target_count": "many"})
    desk.put(label(9, validation_status=PENDING, batch_id="b"))

    assert desk.reconcile() == {}

    assert len(desk.labels(PENDING)) == 1
    assert any("BATCH#b STATUS" in line.get("detail", "") for line in logged())


def test_a_batch_is_looked_up_once_for_all_its_labels(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.submit()
    looked_up = []
    get = Table.get

    def watched(self: Table, key: Any) -> Any:
        looked_up.append(key["PK"])
        return get(self, key)

    monkeypatch.setattr(Table, "get", watched)

    desk.reconcile()

    assert looked_up == [f"BATCH#{desk.summary().batch_id}"]


def test_claims_that_come_after_the_release_are_undone(desk: Desk) -> None:
    lose_the_answer(desk, job=False)
    desk.reconcile(after=AFTER_THE_LEASE)
    claims.claim(desk.table, [each.id for each in desk.labels(NONE)], desk.summary().batch_id)

    assert desk.reconcile() == {"orphans": 4}
    desk.check()


def test_words_without_a_vector_are_tried_again(desk: Desk) -> None:
    there = label(9, validation_status=ValidationStatus.VALID, projection="1")
    desk.table.put(there.to_item() | there.mark("1", VECTOR_MISSING))

    assert desk.reconcile() == {"vectors": 1}
    assert desk.reconcile() == {}


def test_a_batch_that_gets_its_job_at_the_last_moment_keeps_its_labels(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_answer(desk, job=True)
    [job] = desk.jobs.created_since(0)

    def too_early(oldest: float) -> Iterator[Job]:
        assert summaries.hand_over(desk.table, desk.summary(), job)
        return iter(())

    monkeypatch.setattr(desk.jobs, "created_since", too_early)

    assert desk.reconcile(after=AFTER_THE_LEASE) == {}

    assert len(desk.labels(PENDING)) == 4
    desk.check()
