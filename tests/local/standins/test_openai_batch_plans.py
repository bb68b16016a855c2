"""How the OpenAI stand-in's batch jobs go, as planned."""

from typing import Any

import pytest
from openai import NotFoundError, OpenAI
from openai.types import Batch, BatchError

from local.standins.openai import JobPlan, OpenAIStandIn
from tests.local.standins.openai_jobs import (
    ended,
    many,
    new_job,
    request,
    results,
    statuses,
)


def counts(job: Batch) -> tuple[int, int, int]:
    """Total, completed, failed."""
    assert job.request_counts is not None
    return (job.request_counts.total, job.request_counts.completed, job.request_counts.failed)


def test_a_plan_says_how_many_looks_each_status_takes(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.job_plans.default = JobPlan(validating=2, in_progress=3, finalizing=1)
    assert statuses(openai_client, new_job(openai_client), 8) == (
        ["validating"] * 2 + ["in_progress"] * 3 + ["finalizing", "completed", "completed"]
    )


def test_requests_are_answered_little_by_little(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.job_plans.add(JobPlan(in_progress=3))
    job = new_job(openai_client, *many(8))
    shown = [counts(openai_client.batches.retrieve(job.id)) for _ in range(4)]
    assert shown == [(8, 2, 0), (8, 4, 0), (8, 6, 0), (8, 8, 0)]


@pytest.mark.parametrize("status", ["validating", "in_progress", "finalizing"])
def test_a_job_may_stay_as_it_is_for_ever(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, status: str
) -> None:
    looks: dict[str, Any] = {"in_progress": 0, status: None}
    openai_standin.job_plans.add(JobPlan(**looks))
    assert statuses(openai_client, new_job(openai_client), 20) == [status] * 20


def test_a_job_may_fail_with_errors_or_without(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    error = BatchError(code="invalid_request", message="Unreadable.", line=2)
    openai_standin.job_plans.add(JobPlan(status="failed", errors=[error], times=1))
    openai_standin.job_plans.add(JobPlan(status="failed", validating=1))
    named, unnamed = new_job(openai_client), new_job(openai_client)

    failed = openai_client.batches.retrieve(named.id)
    assert (failed.status, named.errors) == ("failed", None)
    assert failed.errors is not None
    assert failed.errors.data == [error]
    assert statuses(openai_client, unnamed, 2) == ["validating", "failed"]
    assert openai_client.batches.retrieve(unnamed.id).errors is None


@pytest.mark.parametrize(
    ("answered", "there"),
    [(0.25, 2), (0.0, 0), (1.0, 8), (lambda custom_id: custom_id in ("r-1", "r-6", "r-7"), 3)],
)
def test_an_expired_job_has_what_was_answered_in_time(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, answered: Any, there: int
) -> None:
    openai_standin.job_plans.add(JobPlan(status="expired", answered=answered))
    job = ended(openai_client, new_job(openai_client, *many(8)))

    assert (job.status, counts(job)) == ("expired", (8, there, 0))
    assert job.expired_at is not None
    done = results(openai_client, job.output_file_id) if there else {}
    late = results(openai_client, job.error_file_id) if there < 8 else {}
    assert (job.output_file_id is None, job.error_file_id is None) == (there == 0, there == 8)
    assert len(done) == there
    if callable(answered):
        assert all(map(answered, done))
    assert {*done, *late} == {line["custom_id"] for line in many(8)}
    for line in late.values():
        assert (line["response"], line["error"]["code"]) == (None, "batch_expired")


def test_a_cancelled_job_has_what_was_answered_by_then(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.job_plans.add(JobPlan(in_progress=3, cancelling=2))
    job = new_job(openai_client, *many(8))
    statuses(openai_client, job, 1)

    cancelling = openai_client.batches.cancel(job.id)
    assert (cancelling.status, cancelling.cancelled_at) == ("cancelling", None)
    assert statuses(openai_client, job, 1) == ["cancelling"]
    assert openai_client.batches.cancel(job.id) == cancelling
    assert statuses(openai_client, job, 2) == ["cancelling", "cancelled"]
    cancelled = openai_client.batches.retrieve(job.id)
    assert (counts(cancelled), cancelled.error_file_id) == ((8, 2, 0), None)
    assert cancelled.cancelling_at == cancelling.cancelling_at
    assert cancelled.cancelled_at is not None
    assert len(results(openai_client, cancelled.output_file_id)) == 2


def test_a_job_cancelled_while_it_is_validated_has_nothing_unless_told(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.job_plans.add(JobPlan(validating=None, times=1))
    openai_standin.job_plans.add(JobPlan(validating=None, cancelling=0, answered=0.5))
    nothing, half = new_job(openai_client), new_job(openai_client)
    for job in (nothing, half):
        assert statuses(openai_client, job, 2) == ["validating"] * 2
        assert openai_client.batches.cancel(job.id).status == "cancelling"

    assert statuses(openai_client, nothing, 2) == ["cancelling", "cancelled"]
    empty = openai_client.batches.retrieve(nothing.id)
    assert (empty.output_file_id, empty.error_file_id, counts(empty)) == (None, None, (0, 0, 0))
    partial = openai_client.batches.retrieve(half.id)
    assert (partial.status, counts(partial)) == ("cancelled", (2, 1, 0))
    assert len(results(openai_client, partial.output_file_id)) == 1


def test_a_job_may_be_cancelled_by_somebody_else(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.job_plans.add(JobPlan(status="cancelled"))
    job = new_job(openai_client)
    assert statuses(openai_client, job, 3) == ["in_progress", "cancelling", "cancelled"]


def test_a_job_may_show_a_status_that_nobody_knows(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.job_plans.add(JobPlan(odd_statuses=["paused", "paused"]))
    assert statuses(openai_client, new_job(openai_client), 4) == [
        "paused",
        "paused",
        "in_progress",
        "completed",
    ]


def test_a_job_may_not_be_found_at_first(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.job_plans.add(JobPlan(unseen=2, times=1))
    late, other = new_job(openai_client), new_job(openai_client)
    assert [job.id for job in openai_client.batches.list()] == [other.id]
    with pytest.raises(NotFoundError, match="No batch found"):
        openai_client.batches.retrieve(late.id)
    assert [job.id for job in openai_client.batches.list()] == [other.id, late.id]
    assert openai_client.batches.retrieve(late.id).status == "completed"


def test_a_plan_is_chosen_by_what_the_job_is_for(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.job_plans.add(
        JobPlan(status="failed", when=lambda job: job.metadata.get("tenant") == "t-1")
    )
    openai_standin.job_plans.add(JobPlan(in_progress=0, when=lambda job: b"quick" in job.content))
    first = new_job(openai_client, request("a"), tenant="t-1")
    second = new_job(openai_client, request("quick"), tenant="t-2")
    third = new_job(openai_client, request("a"), tenant="t-2")
    looks = [statuses(openai_client, job, 1) for job in (first, second, third)]
    assert looks == [["failed"], ["completed"], ["in_progress"]]


def test_a_job_that_passes_the_queues_limit_fails_until_there_is_room(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    def job(model: str = "m") -> Batch:
        return new_job(openai_client, request("a", "x" * 6_000, model=model))

    openai_standin.enqueued_token_limit = 2_000
    first, second, other = job(), job(), job("other")
    assert [statuses(openai_client, each, 1)[0] for each in (first, second, other)] == [
        "in_progress",
        "failed",
        "in_progress",
    ]
    failed = openai_client.batches.retrieve(second.id)
    assert failed.errors is not None
    assert failed.errors.data is not None
    (error,) = failed.errors.data
    assert (error.code, error.line) == ("token_limit_exceeded", None)
    assert error.message == (
        "Enqueued token limit reached for m in organization org-standin. Limit: 2,000 enqueued "
        "tokens. Please try again once some in_progress batches have been completed."
    )

    assert statuses(openai_client, first, 1) == ["completed"]
    assert ended(openai_client, job()).status == "completed"
