"""Batch API jobs: created once, read as they are, and files that break off."""

import io
import json

import pytest

from functions.clients.openai_batches import BatchJobs, JobError
from functions.clients.secrets import Secret
from functions.errors import (
    OpenAINotFoundError,
    OpenAIRejectedError,
    OpenAIUnavailableError,
)
from local.standins.openai import Fault, JobPlan, OpenAIStandIn
from tests.functions.clients.web_server import Serve, reply

METADATA = {"batch_id": "b-1", "stack": "labels"}


@pytest.fixture
def jobs(standin: OpenAIStandIn, secret: Secret) -> BatchJobs:
    return BatchJobs(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=0)


def requests(count: int = 2) -> io.BytesIO:
    lines = [
        {
            "custom_id": f"request-{number}",
            "method": "POST",
            "url": "/v1/responses",
            "body": {"model": "gpt-5.4-mini", "input": "Is it a date?"},
        }
        for number in range(count)
    ]
    return io.BytesIO("".join(f"{json.dumps(line)}\n" for line in lines).encode())


def started(jobs: BatchJobs) -> str:
    file_id = jobs.upload("requests.jsonl", requests(), expires_after_seconds=3600)
    return jobs.create(file_id, metadata=METADATA).id


def test_a_job_is_created_with_its_file_and_metadata(
    jobs: BatchJobs, standin: OpenAIStandIn
) -> None:
    job_id = started(jobs)

    job = jobs.job(job_id)

    assert job.metadata == METADATA
    [file] = standin.files.values()
    assert job.input_file_id == file.id
    assert (file.purpose, file.filename) == ("batch", "requests.jsonl")
    assert file.expires_at == file.created_at + 3600
    assert file.content == requests().getvalue()


def test_a_finished_job_has_its_answers_and_its_usage(jobs: BatchJobs) -> None:
    job_id = started(jobs)
    while (job := jobs.job(job_id)).status != "completed":
        assert job.status in ("validating", "in_progress", "finalizing")

    assert job.output_file_id
    assert job.error_file_id is None
    assert job.input_tokens > 0
    with jobs.content(job.output_file_id) as blocks:
        lines = b"".join(blocks).splitlines()
    assert {json.loads(line)["custom_id"] for line in lines} == {"request-0", "request-1"}


def test_a_failed_job_says_why(jobs: BatchJobs) -> None:
    file_id = jobs.upload("r.jsonl", io.BytesIO(b"no json\n"), expires_after_seconds=3600)
    job_id = jobs.create(file_id, metadata={}).id
    while (job := jobs.job(job_id)).status != "failed":
        pass

    [error] = job.errors
    assert isinstance(error, JobError)
    assert (error.line, bool(error.code), bool(error.message)) == (1, True, True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="batches.create", status=500),
        Fault(operation="batches.create", status=429, retry_after=0.01),
        Fault(operation="batches.create", drop="after"),
        Fault(operation="batches.create", malformed=True),
    ],
)
def test_a_create_is_never_tried_twice(
    standin: OpenAIStandIn, secret: Secret, fault: Fault
) -> None:
    patient = BatchJobs(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=3)
    file_id = patient.upload("r.jsonl", requests(), expires_after_seconds=3600)
    standin.faults.add(fault)

    with pytest.raises(OpenAIUnavailableError):
        patient.create(file_id, metadata={})

    assert standin.calls.count("batches.create") == 1


def test_an_upload_that_is_tried_again_is_whole(standin: OpenAIStandIn, secret: Secret) -> None:
    patient = BatchJobs(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=1)
    standin.faults.add(Fault(operation="files.create", status=500, times=1))

    file_id = patient.upload("r.jsonl", requests(), expires_after_seconds=3600)

    assert standin.files[file_id].content == requests().getvalue()


def test_a_refused_create_and_an_unknown_job_are_told_apart(jobs: BatchJobs) -> None:
    with pytest.raises(OpenAIRejectedError):
        jobs.create("file-none", metadata={})
    with pytest.raises(OpenAINotFoundError):
        jobs.job("batch_none")


def test_a_job_is_cancelled_and_too_late_is_no_error(
    jobs: BatchJobs, standin: OpenAIStandIn
) -> None:
    standin.job_plans.add(JobPlan(in_progress=None, times=1))
    running, ended = started(jobs), started(jobs)
    while jobs.job(ended).status != "completed":
        pass

    jobs.cancel(running)
    jobs.cancel(running)
    jobs.cancel(ended)

    assert jobs.job(ended).status == "completed"
    while (status := jobs.job(running).status) != "cancelled":
        assert status == "cancelling"


def test_a_cancel_that_could_not_be_asked_for_is_an_error(
    jobs: BatchJobs, standin: OpenAIStandIn
) -> None:
    standin.job_plans.add(JobPlan(in_progress=None))
    running = started(jobs)
    jobs.job(running)
    standin.faults.add(Fault(operation="batches.cancel", status=500))

    with pytest.raises(OpenAIUnavailableError):
        jobs.cancel(running)


def test_jobs_are_listed_over_pages_back_to_a_time(secret: Secret) -> None:
    now = [1000.0]
    with OpenAIStandIn(clock=lambda: now[0]) as standin:
        jobs = BatchJobs(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=0)
        file_id = jobs.upload("r.jsonl", requests(), expires_after_seconds=3600)
        made = []
        for _ in range(130):
            now[0] += 1
            made.append(jobs.create(file_id, metadata={}).id)

        assert [job.id for job in jobs.created_since(0)] == made[::-1]
        assert [job.id for job in jobs.created_since(1101)] == made[100:][::-1]
        assert standin.calls.count("batches.list") == 3


def test_a_file_that_breaks_off_is_unavailable(secret: Secret, serve: Serve) -> None:
    server = serve(reply(body=b"half of it", Content_Length="100", Connection="close"))
    jobs = BatchJobs(secret, base_url=server.url("/v1"), timeout_seconds=2, max_retries=0)

    with pytest.raises(OpenAIUnavailableError, match="broke off"), jobs.content("file-1") as blocks:
        list(blocks)


def test_a_file_that_is_gone_is_not_found(jobs: BatchJobs) -> None:
    with pytest.raises(OpenAINotFoundError), jobs.content("file-none") as blocks:
        list(blocks)


def test_another_job_than_was_asked_for_is_unavailable(secret: Secret, serve: Serve) -> None:
    found = {"id": "batch_2", "object": "batch", "status": "completed", "created_at": 1}
    body = json.dumps(found).encode()
    server = serve(reply(body=body, Content_Type="application/json", Connection="close"))
    jobs = BatchJobs(secret, base_url=server.url("/v1"), timeout_seconds=2, max_retries=0)

    with pytest.raises(OpenAIUnavailableError, match="asked for batch batch_1, got batch_2"):
        jobs.job("batch_1")
