"""Which pending batches are handed on, in which order, and to whom."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.s3 import Bucket
from functions.clients.secrets import Secret
from functions.completions.batches import BatchSummary
from functions.completions.collection.listing import (
    PollLimits,
    batches_to_collect,
    get_openai_batch_status,
    list_pending_completion_batches,
)
from functions.completions.entities import iso
from functions.completions.vocabulary import BatchStatus
from functions.errors import OpenAIRejectedError, OpenAIUnavailableError
from functions.observability import metrics
from local.standins.openai import Fault, JobPlan, OpenAIStandIn
from tests.functions.clients.web_server import Exchange, Server, reply
from tests.functions.completions.collection.pending_batches import PendingBatches
from tests.functions.conftest import LogLines

HOUR = 3600
LIMITS = PollLimits(max_batches=200, validating_timeout_seconds=300)
UNDER_WAY = {
    "validating": JobPlan(validating=None),
    "in_progress": JobPlan(in_progress=None),
    "finalizing": JobPlan(in_progress=0, finalizing=None),
    "cancelling": JobPlan(in_progress=0, status="cancelled", cancelling=None),
}
ENDED = {
    "completed": JobPlan(in_progress=0),
    "failed": JobPlan(status="failed"),
    "expired": JobPlan(in_progress=0, status="expired"),
    "cancelled": JobPlan(in_progress=0, status="cancelled", cancelling=0),
}


@pytest.fixture
def batches(
    label_table: Table, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn
) -> PendingBatches:
    return PendingBatches(table=label_table, bucket=bucket, jobs=jobs, standin=standin)


class Around:
    """The Batch API, with something else that happens once a job has been looked at."""

    def __init__(self, jobs: BatchJobs, then: Callable[[], object]) -> None:
        self._jobs = jobs
        self._then = then
        self.cancel = jobs.cancel

    def job(self, job_id: str) -> Job:
        job = self._jobs.job(job_id)
        self._then()
        return job


def poll(
    batches: PendingBatches,
    *,
    jobs: object = None,
    limits: PollLimits = LIMITS,
    later: float = 0,
    only: str | None = None,
) -> list[str]:
    """The batches handed on by a run so many seconds from now."""
    found = batches_to_collect(
        batches.table,
        cast("BatchJobs", jobs or batches.jobs),
        limits=limits,
        now=time.time() + later,
        openai_batch_id=only,
    )
    assert all(one.openai_batch_id.startswith("batch_") for one in found)
    return [one.batch_id for one in found]


def ids(summaries: Sequence[BatchSummary]) -> set[str]:
    return {summary.batch_id for summary in summaries}


def test_the_completion_batches_that_are_pending_are_listed(batches: PendingBatches) -> None:
    pending = batches.begin()
    for status in BatchStatus:
        if status is not BatchStatus.PENDING:
            batches.begin(status=status)

    assert list_pending_completion_batches(batches.table) == [pending]


def test_a_jobs_status_is_openais_own_word(batches: PendingBatches) -> None:
    summary = batches.begin(plan=JobPlan(odd_statuses=["resting"], in_progress=0))
    job_id = summary.openai_batch_id or ""

    assert [get_openai_batch_status(batches.jobs, job_id) for _ in range(2)] == [
        "resting",
        "completed",
    ]


@pytest.mark.parametrize("status", UNDER_WAY)
def test_a_job_under_way_is_waited_for_and_nothing_is_written(
    batches: PendingBatches, logged: LogLines, status: str
) -> None:
    class ReadOnly(Table):
        def update(self, *_args: Any, **_more: Any) -> bool:
            raise AssertionError("an idle run writes nothing")

    summary = batches.begin(plan=UNDER_WAY[status])
    table = ReadOnly.named(batches.table.name)

    assert batches_to_collect(table, batches.jobs, limits=LIMITS, now=time.time()) == []
    assert batches.jobs.job(summary.openai_batch_id or "").status == status
    assert batches.standin.calls.count("batches.cancel") == 0
    assert logged() == []


@pytest.mark.parametrize("status", ENDED)
def test_a_job_that_has_ended_is_handed_on(batches: PendingBatches, status: str) -> None:
    summary = batches.begin(plan=ENDED[status])

    assert poll(batches) == [summary.batch_id]

    assert batches.now(summary).checked_at > iso(time.time() - 60)
    assert batches.jobs.job(summary.openai_batch_id or "").status == status


def test_only_a_job_that_has_stopped_is_handed_on_among_many(batches: PendingBatches) -> None:
    done = [batches.begin(plan=ENDED["completed"]) for _ in range(2)]
    for plan in UNDER_WAY.values():
        batches.begin(plan=plan)

    assert set(poll(batches)) == ids(done)


def test_a_batch_that_comes_back_undone_is_handed_on_again(batches: PendingBatches) -> None:
    summary = batches.begin()

    assert poll(batches) == poll(batches) == [summary.batch_id]


def test_the_longest_unchecked_come_first_and_no_more_than_the_limit(
    batches: PendingBatches,
) -> None:
    now = time.time()
    times = {"c": iso(now - 10), "a": "", "d": iso(now - 5), "b": iso(now - 20)}
    found = {name: batches.begin(checked_at=at).batch_id for name, at in times.items()}
    two = PollLimits(max_batches=2, validating_timeout_seconds=300)

    assert poll(batches, limits=two) == [found["a"], found["b"]]
    assert poll(batches, limits=two) == [found["c"], found["d"]]
    assert poll(batches, limits=two) == [found["a"], found["b"]], "now these are the longest"


def test_of_those_never_checked_the_oldest_comes_first(batches: PendingBatches) -> None:
    now = time.time()
    newer = batches.begin(batch_id="1", submitted_at=iso(now - 10))
    older = batches.begin(batch_id="2", submitted_at=iso(now - 20))

    assert poll(batches) == [older.batch_id, newer.batch_id]


def test_batches_that_wait_take_no_place_from_those_that_have_ended(
    batches: PendingBatches,
) -> None:
    now = time.time()
    for _ in range(3):
        batches.begin(plan=UNDER_WAY["in_progress"], submitted_at=iso(now - HOUR))
    ended = batches.begin()

    assert poll(batches, limits=PollLimits(max_batches=1, validating_timeout_seconds=300)) == [
        ended.batch_id
    ]


def test_of_two_pollers_at_once_only_one_gets_a_batch(batches: PendingBatches) -> None:
    summaries = [batches.begin() for _ in range(5)]
    # Each has looked at every job before either takes one.
    both = threading.Barrier(2 * len(summaries), timeout=30)
    jobs = Around(batches.jobs, both.wait)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: poll(batches, jobs=jobs), range(2))

    assert sorted(first + second) == sorted(ids(summaries))


def test_a_batch_that_another_run_ended_meanwhile_is_not_handed_on(batches: PendingBatches) -> None:
    summary = batches.begin()
    ended = summary.model_copy(update={"status": BatchStatus.COMPLETED})
    jobs = Around(batches.jobs, lambda: batches.table.put(ended.to_item()))

    assert poll(batches, jobs=jobs) == []
    assert batches.now(summary) == ended


def test_sixty_four_jobs_are_looked_at_at_once(batches: PendingBatches) -> None:
    summary = batches.begin()
    for number in range(63):
        batches.table.put(summary.model_copy(update={"batch_id": str(number)}).to_item())
    at_once = threading.Barrier(64, timeout=30)

    # Every look waits for sixty-three others.
    assert len(poll(batches, jobs=Around(batches.jobs, at_once.wait))) == 64


def test_one_job_can_be_looked_after_alone(batches: PendingBatches) -> None:
    batches.begin()
    wanted = batches.begin()

    assert poll(batches, only=wanted.openai_batch_id) == [wanted.batch_id]
    assert batches.standin.calls.count("batches.retrieve") == 1


def test_a_job_that_is_no_pending_batchs_is_not_asked_about(batches: PendingBatches) -> None:
    batches.begin(status=BatchStatus.COMPLETED)

    assert poll(batches, only="batch_of_somebody_else") == []
    assert batches.standin.calls.count("batches.retrieve") == 0


def test_an_unknown_status_is_reported_and_asked_again(
    batches: PendingBatches, logged: LogLines
) -> None:
    summary = batches.begin(plan=JobPlan(odd_statuses=["canceled"], in_progress=0))

    assert poll(batches) == []
    assert "UnknownBatchStatus" in metrics().metric_set
    [line] = logged()
    assert (line["level"], line["batch_id"], line["status"]) == (
        "ERROR",
        summary.batch_id,
        "canceled",
    )
    assert poll(batches) == [summary.batch_id]


def test_a_job_that_is_gone_is_reported_until_its_time_is_over(
    batches: PendingBatches, logged: LogLines
) -> None:
    gone = batches.begin(plan=JobPlan(unseen=None))
    ended = batches.begin()

    assert poll(batches) == [ended.batch_id]
    assert "JobsNotFound" in metrics().metric_set
    assert [line["batch_id"] for line in logged()] == [gone.batch_id]
    assert set(poll(batches, later=24.9 * HOUR)) == {ended.batch_id}
    assert set(poll(batches, later=25.1 * HOUR)) == {ended.batch_id, gone.batch_id}


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retry_after": 1},
        {"status": 500},
        {"status": 400},
        {"drop": "before"},
        {"malformed": True},
    ],
)
def test_a_job_that_cannot_be_looked_at_waits_and_disturbs_no_other(
    batches: PendingBatches, logged: LogLines, fault: dict[str, Any]
) -> None:
    unlucky, *others = (batches.begin() for _ in range(3))
    job_id = unlucky.openai_batch_id or ""
    batches.standin.faults.add(
        Fault(
            operation="batches.retrieve",
            when=lambda request: job_id in request.ids.values(),
            **fault,
        )
    )

    assert set(poll(batches)) == ids(others)
    assert metrics().metric_set["StatusChecksFailed"]["Value"] == [1.0]
    assert [line["batch_id"] for line in logged()] == [unlucky.batch_id]
    assert unlucky.batch_id in poll(batches), "the next run has it"


def test_an_answer_that_is_no_jobs_disturbs_no_other(
    batches: PendingBatches, secret: Secret
) -> None:
    ended = batches.begin(openai_batch_id="batch_ended")
    batches.begin(openai_batch_id="batch_odd")
    odd = b'{"id": "batch_odd", "object": "batch", "status": "validating"}'
    done = b'{"id": "batch_ended", "object": "batch", "status": "completed", "created_at": 1}'

    def respond(exchange: Exchange) -> None:
        body = odd if exchange.path.endswith("odd") else done
        exchange.send(reply(body=body, Content_Type="application/json", Connection="close"))

    server = Server(respond)
    try:
        base_url = server.url("/v1")
        jobs = BatchJobs(secret, base_url=base_url, timeout_seconds=10, max_retries=0)
        assert poll(batches, jobs=jobs) == [ended.batch_id]
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("status", "error"), [(503, OpenAIUnavailableError), (401, OpenAIRejectedError)]
)
def test_if_no_job_can_be_looked_at_that_is_an_error(
    batches: PendingBatches, status: int, error: type[Exception]
) -> None:
    for _ in range(2):
        batches.begin()
    batches.standin.faults.add(Fault(operation="batches.retrieve", status=status, times=None))

    with pytest.raises(error):
        poll(batches)


def test_without_batches_there_is_nothing_to_do(batches: PendingBatches) -> None:
    assert poll(batches) == []


def test_broken_summaries_are_reported_and_left_alone(
    batches: PendingBatches, logged: LogLines
) -> None:
    broken = batches.begin()
    batches.table.update(broken.key, {"target_count": "many"})
    without_job = batches.begin(openai_batch_id=None)
    ended = batches.begin()

    assert poll(batches) == [ended.batch_id]
    assert "InvalidItems" in metrics().metric_set
    assert {line["level"] for line in logged()} == {"ERROR"}
    assert broken.batch_id in str(logged())
    assert without_job.batch_id in str(logged())


def test_a_broken_summary_alone_is_no_error(batches: PendingBatches) -> None:
    batches.begin(openai_batch_id=None)

    assert poll(batches) == []


def test_a_job_that_stays_in_validating_is_cancelled_once_and_collected_when_it_is(
    batches: PendingBatches,
) -> None:
    summary = batches.begin(plan=JobPlan(validating=None, cancelling=2))

    assert poll(batches, later=290) == []
    assert batches.standin.calls.count("batches.cancel") == 0

    assert poll(batches, later=310) == []
    assert batches.standin.calls.count("batches.cancel", status=200) == 1
    requested = batches.now(summary).cancel_requested_at
    assert requested is not None
    assert "StuckJobsCancelled" in metrics().metric_set

    assert poll(batches, later=320) == []
    assert poll(batches, later=330) == []
    assert poll(batches, later=340) == [summary.batch_id]
    assert batches.standin.calls.count("batches.cancel") == 1
    assert batches.now(summary).cancel_requested_at == requested


@pytest.mark.parametrize("status", ["in_progress", "finalizing"])
def test_a_job_that_has_left_validating_has_all_its_time(
    batches: PendingBatches, status: str
) -> None:
    batches.begin(plan=UNDER_WAY[status])

    assert poll(batches, later=24.9 * HOUR) == []
    assert batches.standin.calls.count("batches.cancel") == 0
    assert poll(batches, later=25.1 * HOUR) == []
    assert batches.standin.calls.count("batches.cancel", status=200) == 1


@pytest.mark.parametrize(
    "plan",
    [
        UNDER_WAY["finalizing"],
        UNDER_WAY["cancelling"],
        JobPlan(odd_statuses=["canceled"] * 2, in_progress=0),
    ],
    ids=["finalizing", "cancelling", "unknown"],
)
def test_a_job_that_never_ends_is_given_up_after_three_days(
    batches: PendingBatches, plan: JobPlan
) -> None:
    summary = batches.begin(plan=plan)

    assert poll(batches, later=71.9 * HOUR) == []
    assert poll(batches, later=72.1 * HOUR) == [summary.batch_id]


def test_a_job_that_is_validating_still_is_cancelled_again_a_time_out_later(
    batches: PendingBatches,
) -> None:
    asked = iso(time.time() + 400)
    batches.begin(plan=UNDER_WAY["validating"], cancel_requested_at=asked)

    poll(batches, later=690)
    assert batches.standin.calls.count("batches.cancel") == 0
    poll(batches, later=710)
    assert batches.standin.calls.count("batches.cancel") == 1


def test_a_cancel_that_fails_is_asked_again_by_the_next_run(batches: PendingBatches) -> None:
    summary, ended = batches.begin(plan=UNDER_WAY["validating"]), batches.begin()
    batches.standin.faults.add(Fault(operation="batches.cancel", status=503))

    assert poll(batches, later=310) == [ended.batch_id]
    assert batches.now(summary).cancel_requested_at is None
    poll(batches, later=320)

    assert batches.standin.calls.count("batches.cancel", status=200) == 1


def test_a_batch_that_has_ended_meanwhile_is_not_written_to_by_a_cancel(
    batches: PendingBatches,
) -> None:
    summary = batches.begin(plan=UNDER_WAY["validating"])
    ended = summary.model_copy(update={"status": BatchStatus.CANCELLED})
    jobs = Around(batches.jobs, lambda: batches.table.put(ended.to_item()))

    poll(batches, jobs=jobs, later=310)

    assert batches.now(summary) == ended


def test_every_run_over_all_measures_the_age_of_the_oldest_batch(batches: PendingBatches) -> None:
    def measured() -> list[float]:
        return list(metrics().metric_set.pop("OldestBatchAge", {"Value": []})["Value"])

    poll(batches)
    assert measured() == [0], "an alarm has to hear that there is none"

    waiting = JobPlan(in_progress=None)
    old = batches.begin(plan=waiting, submitted_at=iso(time.time() - 3 * HOUR))
    new = batches.begin(plan=waiting, submitted_at=iso(time.time() + HOUR))  # clocks differ
    poll(batches)
    assert measured() == [pytest.approx(3 * HOUR, abs=60)]

    for summary in (old, new):
        poll(batches, only=summary.openai_batch_id)
    assert measured() == [], "who looks at one batch does not know of the others"
