"""From a finished job's files to chunks, in which every target of the batch is once."""

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pytest
from openai.types import BatchError

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.s3 import Bucket
from functions.completions import capacity
from functions.completions.batches import BatchSummary
from functions.completions.collection.collecting import collect
from functions.completions.messages import CollectedBatch
from functions.completions.vocabulary import BatchStatus
from functions.errors import InvalidItemError, OpenAINotFoundError, OpenAIUnavailableError
from functions.observability import metrics
from local.standins.openai import Fault, JobPlan, LinePlan, OpenAIStandIn, half, left_out, twice
from tests.functions.completions.collection.pending_batches import LABELS, PendingBatches, name
from tests.functions.conftest import LogLines

HOUR = 3600


@pytest.fixture
def batches(
    label_table: Table, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn
) -> PendingBatches:
    return PendingBatches(table=label_table, bucket=bucket, jobs=jobs, standin=standin)


def collected(
    batches: PendingBatches, summary: BatchSummary, *, hours_later: float = 0
) -> CollectedBatch:
    return collect(
        batches.table,
        batches.bucket,
        batches.jobs,
        batch_id=summary.batch_id,
        now=time.time() + hours_later * HOUR,
    )


def plan_line(batches: PendingBatches, number: int, **plan: Any) -> None:
    """How the request of that number is answered."""
    batches.standin.line_plans.add(LinePlan(when=lambda id_: id_ == name(number), **plan))


def in_place_of(number: int, text: str) -> Callable[[str], list[str]]:
    """Another custom id in the line."""
    return lambda line: [line.replace(name(number), text)]


def each_target_once(batches: PendingBatches, summary: BatchSummary) -> None:
    """Every request is in one entry, and what is in no request is in one without."""
    counted = Counter(one.custom_id for one in batches.received(summary) if one.entry.request)
    assert counted == {name(number): 1 for number in range(summary.request_count)}
    targets = [target for one in batches.received(summary) for target in one.entry.targets]
    assert len(set(targets)) == len(targets) == summary.target_count


def file_of_job(batches: PendingBatches, summary: BatchSummary, kind: str) -> bytes:
    job = batches.standin.jobs[summary.openai_batch_id or ""]
    file_id = getattr(job, f"{kind}_file_id")
    return batches.standin.files[file_id].content


def test_each_line_is_kept_as_it_came_beside_the_request_that_it_answers(
    batches: PendingBatches,
) -> None:
    summary = batches.begin(3)

    answer = collected(batches, summary)

    received = list(batches.received(summary))
    assert {(one.custom_id, one.answer["custom_id"]) for one in received} == {
        (name(number), name(number)) for number in range(3)
    }
    assert b"".join((one.raw or b"") + b"\n" for one in received) == file_of_job(
        batches, summary, "output"
    )
    assert all(one.entry.counts_attempt and not one.entry.needs_review for one in received)
    assert answer.to_wire() == {
        "batchId": summary.batch_id,
        "bucket": "batches",
        "chunksKey": f"batches/{summary.batch_id}/chunks.json",
        "chunks": 1,
    }
    each_target_once(batches, summary)


def test_the_summary_says_what_was_collected(batches: PendingBatches) -> None:
    plan_line(batches, 1, status=500)
    plan_line(batches, 2, written=half)
    summary = batches.begin(3)
    job = batches.standin.jobs[summary.openai_batch_id or ""]
    job.cached_tokens = 7

    collected(batches, summary)

    assert batches.now(summary) == summary.model_copy(
        update={
            "openai_status": "completed",
            "result_file_id": job.output_file_id,
            "error_file_id": job.error_file_id,
            "input_tokens": job.input_tokens,
            "output_tokens": job.output_tokens,
            "cached_tokens": 7,
            "lines_without_answer": 1,
        }
    )
    assert job.output_tokens > 0


@pytest.mark.parametrize("failures", [{"status": 500}, {"error": "batch_expired"}])
def test_a_completed_job_in_which_nothing_succeeded_has_its_lines_in_the_error_file(
    batches: PendingBatches, failures: dict[str, Any]
) -> None:
    batches.standin.line_plans.add(LinePlan(**failures))
    summary = batches.begin(2)

    collected(batches, summary)

    assert batches.now(summary).result_file_id is None
    assert {one.answer["custom_id"] for one in batches.received(summary)} == {name(0), name(1)}
    each_target_once(batches, summary)


def test_a_completed_job_without_any_file_leaves_every_request_unanswered(
    batches: PendingBatches,
) -> None:
    batches.standin.line_plans.add(LinePlan(written=left_out))
    summary = batches.begin(2)

    assert collected(batches, summary).chunks == 1

    for one in batches.received(summary):
        assert (one.raw, one.entry.counts_attempt, one.entry.needs_review) == (None, True, False)
        assert one.entry.reason == "the job is completed and has no line for this request"
    each_target_once(batches, summary)


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_a_job_that_was_cut_short_is_collected_as_far_as_it_got(
    batches: PendingBatches, status: Any
) -> None:
    plan = JobPlan(in_progress=0, cancelling=0, status=status, answered=lambda id_: id_ == name(1))
    summary = batches.begin(3, plan=plan)

    collected(batches, summary)

    answered = {
        one.custom_id: one.raw is not None and one.answer["error"] is None
        for one in batches.received(summary)
    }
    assert answered == {name(0): False, name(1): True, name(2): False}
    assert batches.now(summary).openai_status == status
    each_target_once(batches, summary)


def test_what_a_cancelled_job_has_no_line_for_was_asked_in_vain(batches: PendingBatches) -> None:
    plan = JobPlan(in_progress=0, cancelling=0, status="cancelled", answered=0.0)
    summary = batches.begin(2, plan=plan)

    collected(batches, summary)

    for one in batches.received(summary):
        assert (one.raw, one.entry.counts_attempt) == (None, True)
        assert "cancelled" in (one.entry.reason or "")


def test_a_failed_job_releases_every_request_and_counts_an_attempt(batches: PendingBatches) -> None:
    error = BatchError(code="invalid_request", message="The model does not exist.")
    summary = batches.begin(2, plan=JobPlan(status="failed", errors=[error]))

    collected(batches, summary)

    for one in batches.received(summary):
        assert (one.raw, one.entry.counts_attempt, one.entry.needs_review) == (None, True, False)
        assert one.entry.reason == "invalid_request: The model does not exist."
    assert batches.now(summary).openai_status == "failed"
    assert batches.now(summary).reason == "invalid_request: The model does not exist."
    each_target_once(batches, summary)


def test_the_request_of_a_line_that_openai_refuses_needs_review(batches: PendingBatches) -> None:
    errors = [
        BatchError(code="invalid_json_line", message="Not JSON.", line=2),
        BatchError(code="duplicate_custom_id", message="Again.", line=3),
    ]
    summary = batches.begin(3, plan=JobPlan(status="failed", errors=errors))

    collected(batches, summary)

    first, second = "invalid_json_line: Not JSON.", "duplicate_custom_id: Again."
    assert {
        one.custom_id: (one.entry.needs_review, one.entry.reason)
        for one in batches.received(summary)
    } == {
        name(0): (False, f"{first}; {second}"),
        name(1): (True, first),
        name(2): (True, second),
    }
    each_target_once(batches, summary)


def test_what_openai_says_of_a_failed_job_is_kept_as_far_as_an_item_takes_it(
    batches: PendingBatches,
) -> None:
    told = "\ud83d" + "x" * 500_000  # half a character, as where a text was cut
    errors = [BatchError(code="invalid_json_line", message=told, line=n) for n in (1, 2)]
    summary = batches.begin(3, plan=JobPlan(status="failed", errors=errors))

    collected(batches, summary)

    reasons = [one.entry.reason or "" for one in batches.received(summary)]
    for reason in (*reasons, batches.now(summary).reason or ""):
        assert reason.startswith("invalid_json_line: ?xxx")
        assert len(reason) < 2_000
    each_target_once(batches, summary)


def test_a_full_queue_puts_no_request_under_review(batches: PendingBatches) -> None:
    error = BatchError(code="token_limit_exceeded", message="Too much.", line=1)
    summary = batches.begin(2, plan=JobPlan(status="failed", errors=[error]))

    collected(batches, summary)

    for one in batches.received(summary):
        assert (one.entry.counts_attempt, one.entry.needs_review) == (False, False)


def test_a_refused_line_that_the_batch_does_not_have_is_nobodys(batches: PendingBatches) -> None:
    errors = [
        BatchError(code="invalid_json_line", message="Not JSON.", line=line) for line in (0, 9)
    ]
    summary = batches.begin(2, plan=JobPlan(status="failed", errors=errors))

    collected(batches, summary)

    assert not any(one.entry.needs_review for one in batches.received(summary))


def test_a_full_queue_is_learnt_from_and_counts_no_attempt(
    batches: PendingBatches, label_table: Table, logged: LogLines
) -> None:
    message = (
        "Enqueued token limit reached for m in organization org-1. Limit: 90,000 enqueued tokens."
    )
    error = BatchError(code="token_limit_exceeded", message=message)
    summary = batches.begin(2, plan=JobPlan(status="failed", errors=[error]))

    collected(batches, summary)

    for one in batches.received(summary):
        assert (one.entry.counts_attempt, one.entry.needs_review) == (False, False)
    assert capacity.read(label_table, time.time()).openai_limit == 90_000
    assert "QueuedTokenLimit" in metrics().metric_set
    assert {line["level"] for line in logged()} == {"INFO"}


def test_lines_that_answer_nothing_are_kept_with_the_reason_and_their_requests_unanswered(
    batches: PendingBatches,
) -> None:
    foreign = name(77)
    plan_line(batches, 1, written=half)
    plan_line(batches, 2, custom_id=foreign)
    plan_line(batches, 3, written=in_place_of(3, "garbled"))
    plan_line(batches, 4, written=lambda _line: ["[]"])
    plan_line(batches, 5, written=lambda line: [line.replace('"custom_id"', '"customid"')])
    summary = batches.begin(7)

    collected(batches, summary)

    alone = [one for one in batches.received(summary) if one.entry.request is None]
    assert len(alone) == 5
    assert all(one.entry.reason and one.raw for one in alone)
    unanswered = {one.custom_id for one in batches.received(summary) if one.raw is None}
    assert unanswered == {name(number) for number in range(1, 6)}
    assert batches.now(summary).lines_without_answer == 5
    assert "LinesWithoutAnswer" in metrics().metric_set
    each_target_once(batches, summary)


def test_of_two_lines_for_one_request_the_first_is_its_answer(batches: PendingBatches) -> None:
    def contradicted(line: str) -> list[str]:
        return [line, line.replace('"completed"', '"incomplete"')]

    plan_line(batches, 0, written=twice)
    plan_line(batches, 1, written=contradicted)
    summary = batches.begin(2)

    collected(batches, summary)

    answers = [one for one in batches.received(summary) if one.custom_id == name(1)]
    assert [one.answer["response"]["body"]["status"] for one in answers] == ["completed"]
    second = [one.entry.reason for one in batches.received(summary) if one.entry.request is None]
    assert second == ["another line answers the request of this custom_id"] * 2
    each_target_once(batches, summary)


def test_the_output_files_line_wins_over_the_error_files(batches: PendingBatches) -> None:
    plan_line(batches, 1, status=500, written=in_place_of(1, name(0)))
    summary = batches.begin(2)

    collected(batches, summary)

    [answer] = [one for one in batches.received(summary) if one.custom_id == name(0)]
    assert answer.answer["response"]["status_code"] == 200
    each_target_once(batches, summary)


def test_collecting_again_makes_the_same_objects(batches: PendingBatches) -> None:
    plan_line(batches, 1, written=half)
    summary = batches.begin(4)
    collected(batches, summary)
    first, chunks = list(batches.received(summary)), batches.chunks(summary)

    collected(batches, summary)

    assert list(batches.received(summary)) == first
    assert batches.chunks(summary) == chunks


def test_what_a_former_attempt_left_over_is_in_no_list(batches: PendingBatches) -> None:
    summary = batches.begin(1)
    batches.bucket.put(f"batches/{summary.batch_id}/chunks/00002.jsonl", b"{}\n")
    batches.bucket.put(f"batches/{summary.batch_id}/chunks/00002.entries.jsonl", b"{}\n")

    collected(batches, summary)

    assert [ref["chunk"] for ref in batches.chunks(summary)] == ["00001"]


def test_a_large_job_is_several_chunks(batches: PendingBatches) -> None:
    summary = batches.begin(260)

    assert collected(batches, summary).chunks == 2

    assert Counter(one.chunk for one in batches.received(summary)) == {"00001": 250, "00002": 10}
    each_target_once(batches, summary)


def test_a_job_that_has_not_ended_is_left_for_later(batches: PendingBatches) -> None:
    summary = batches.begin(plan=JobPlan(in_progress=None))

    with pytest.raises(OpenAIUnavailableError, match="in_progress"):
        collected(batches, summary)

    assert batches.now(summary) == summary
    assert batches.bucket.get(f"batches/{summary.batch_id}/chunks.json") is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="batches.retrieve", status=429),
        Fault(operation="files.content", status=503),
        Fault(operation="files.content", drop="before"),
    ],
)
def test_openais_trouble_is_passed_on_and_the_next_try_collects(
    batches: PendingBatches, fault: Fault
) -> None:
    summary = batches.begin(2)
    batches.standin.faults.add(fault)

    with pytest.raises(OpenAIUnavailableError):
        collected(batches, summary)
    assert batches.now(summary) == summary
    collected(batches, summary)

    each_target_once(batches, summary)


def test_a_job_that_is_gone_is_waited_for_until_it_must_be_over(batches: PendingBatches) -> None:
    summary = batches.begin(2, plan=JobPlan(unseen=None))

    with pytest.raises(OpenAINotFoundError):
        collected(batches, summary, hours_later=24)
    collected(batches, summary, hours_later=26)

    for one in batches.received(summary):
        assert (one.raw, one.entry.counts_attempt) == (None, False)
        assert "job_not_found" in (one.entry.reason or "")
    assert batches.now(summary).openai_status == "failed"
    each_target_once(batches, summary)


def test_a_file_that_is_gone_is_waited_for_until_the_job_must_be_over(
    batches: PendingBatches, logged: LogLines
) -> None:
    plan_line(batches, 1, status=500)
    summary = batches.begin(2)
    batches.jobs.job(summary.openai_batch_id or "")
    gone = Fault(operation="files.content", status=404, times=1)

    batches.standin.faults.add(gone)
    with pytest.raises(OpenAINotFoundError):
        collected(batches, summary)
    batches.standin.faults.add(gone)
    collected(batches, summary, hours_later=26)

    lines = {one.custom_id: one.raw is not None for one in batches.received(summary)}
    assert lines == {name(0): False, name(1): True}, "the other file was read"
    assert "ResultFilesGone" in metrics().metric_set
    assert [line["level"] for line in logged() if line["level"] != "INFO"] == ["ERROR"]
    each_target_once(batches, summary)


@pytest.mark.parametrize("end", [BatchStatus.COMPLETED, BatchStatus.FAILED])
def test_a_batch_that_has_ended_keeps_the_chunks_that_it_has(
    batches: PendingBatches, end: BatchStatus
) -> None:
    summary = batches.begin(2)
    before = collected(batches, summary)
    ended = batches.now(summary).model_copy(update={"status": end})
    batches.table.put(ended.to_item())
    batches.standin.calls.clear()

    assert collected(batches, summary) == before

    assert batches.now(summary) == ended
    assert len(batches.standin.calls) == 0


def test_a_batch_that_another_run_ends_meanwhile_is_not_written_to(
    batches: PendingBatches,
) -> None:
    summary = batches.begin(1)
    ended = summary.model_copy(update={"status": BatchStatus.COMPLETED})

    class EndedMeanwhile:
        content = batches.jobs.content

        def job(self, job_id: str) -> Job:
            batches.table.put(ended.to_item())
            return batches.jobs.job(job_id)

    jobs = cast("BatchJobs", EndedMeanwhile())
    collect(batches.table, batches.bucket, jobs, batch_id=summary.batch_id, now=time.time())

    assert batches.now(summary) == ended


@pytest.mark.parametrize("status", [BatchStatus.SUBMITTING, BatchStatus.FAILED])
def test_a_batch_without_chunks_that_is_not_pending_is_refused(
    batches: PendingBatches, status: BatchStatus
) -> None:
    summary = batches.begin(1, status=status)

    with pytest.raises(InvalidItemError, match=f"{status}, without batches/"):
        collected(batches, summary)


def test_a_batch_that_is_not_what_it_should_be_is_refused(batches: PendingBatches) -> None:
    summary = batches.begin(1, openai_batch_id=None)
    without_targets = batches.begin(1, targets_key="batches/none")

    with pytest.raises(InvalidItemError, match="names no job"):
        collected(batches, summary)
    with pytest.raises(InvalidItemError, match="batches/none is not in the bucket batches"):
        collected(batches, without_targets)
    with pytest.raises(InvalidItemError, match="there is no batch"):
        collected(batches, summary.model_copy(update={"batch_id": "other"}))


def test_the_entries_repeat_the_targets_as_they_were_submitted(batches: PendingBatches) -> None:
    summary = batches.begin(1)

    collected(batches, summary)

    [one] = batches.received(summary)
    assert [target.label for target in one.entry.targets] == list(LABELS)
    listed = batches.bucket.get(f"batches/{summary.batch_id}/chunks/00001.entries.jsonl") or b""
    assert json.loads(listed) == {
        "customId": name(0),
        "targets": [[1, 1, label] for label in LABELS],
        "line": 0,
        "reason": None,
        "countsAttempt": True,
        "needsReview": False,
    }


def test_the_labels_of_a_job_that_was_given_up_were_asked_about_in_vain(
    batches: PendingBatches,
) -> None:
    summary = batches.begin(2, plan=JobPlan(in_progress=0, finalizing=None))

    collected(batches, summary, hours_later=73)

    each_target_once(batches, summary)
    entries = [one.entry for one in batches.received(summary)]
    assert {(entry.counts_attempt, entry.needs_review) for entry in entries} == {(True, False)}
    assert {entry.reason for entry in entries} == {
        "job_never_ended: three days after it was submitted the job was finalizing"
    }
    assert batches.now(summary).openai_status == "expired"
