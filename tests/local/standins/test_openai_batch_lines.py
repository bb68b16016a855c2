"""The lines of the OpenAI stand-in's batch jobs: answered badly as planned, and in great number."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from openai.types import Batch

from local.standins.openai import (
    AnswerPlan,
    JobPlan,
    LinePlan,
    OpenAIStandIn,
    half,
    left_out,
    twice,
)
from tests.local.standins.openai_jobs import ended, new_job, request, results, statuses, written

# Lines that are too long together to be answered while the caller waits.
LONG = [request(f"r-{number}", "x" * 1_000_000) for number in range(3)]


def only_a(custom_id: str) -> bool:
    return custom_id == "a"


def job_of(client: OpenAI, standin: OpenAIStandIn, plan: LinePlan) -> Batch:
    """A job of ``a``, which goes as planned, and ``b``."""
    standin.line_plans.add(plan)
    return ended(client, new_job(client, request("a"), request("b")))


@pytest.mark.parametrize(
    ("status", "code"), [(400, None), (429, "rate_limit_exceeded"), (500, None)]
)
def test_a_line_may_be_an_http_error(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, status: int, code: str | None
) -> None:
    job = job_of(openai_client, openai_standin, LinePlan(status=status, when=only_a))
    line = results(openai_client, job.error_file_id)["a"]
    assert (line["response"]["status_code"], line["error"]) == (status, None)
    error = line["response"]["body"]["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert list(results(openai_client, job.output_file_id)) == ["b"]
    assert job.request_counts is not None
    assert job.request_counts.to_dict() == {"total": 2, "completed": 1, "failed": 1}


def test_an_http_errors_words_may_be_chosen(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    plan = LinePlan(status=400, code="context_length_exceeded", message="Too long.")
    job = job_of(openai_client, openai_standin, plan)
    for line in results(openai_client, job.error_file_id).values():
        error = line["response"]["body"]["error"]
        assert (error["code"], error["message"]) == ("context_length_exceeded", "Too long.")
    assert job.output_file_id is None, "where none succeeded there is no output file"


@pytest.mark.parametrize("code", ["batch_expired", "server_error"])
def test_a_line_may_be_an_error_that_is_not_https(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, code: str
) -> None:
    job = job_of(openai_client, openai_standin, LinePlan(error=code, when=only_a))
    line = results(openai_client, job.error_file_id)["a"]
    assert (line["response"], line["error"]["code"]) == (None, code)
    assert job.status == "completed"


def a_stranger_beside(line: str) -> Sequence[str]:
    return [line, line.replace('"a"', '"stranger"')]


@pytest.mark.parametrize(
    ("written_as", "custom_ids"),
    [
        (half, ["unreadable", "b"]),
        (twice, ["a", "a", "b"]),
        (left_out, ["b"]),
        (a_stranger_beside, ["a", "stranger", "b"]),
    ],
)
def test_a_line_may_be_written_wrongly(
    openai_standin: OpenAIStandIn,
    openai_client: OpenAI,
    written_as: Callable[[str], Sequence[str]],
    custom_ids: list[str],
) -> None:
    job = job_of(openai_client, openai_standin, LinePlan(written=written_as, when=only_a))

    def custom_id(line: str) -> str:
        try:
            return str(json.loads(line)["custom_id"])
        except ValueError:
            return "unreadable"

    assert sorted(map(custom_id, written(openai_client, job.output_file_id))) == sorted(custom_ids)
    assert job.request_counts is not None
    assert job.request_counts.completed == 2, "the counts do not tell"


def test_a_line_may_have_another_custom_id(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    job = job_of(openai_client, openai_standin, LinePlan(custom_id="a#garbled", when=only_a))
    assert set(results(openai_client, job.output_file_id)) == {"a#garbled", "b"}


@pytest.mark.parametrize(
    ("plan", "status", "kind", "text"),
    [
        (AnswerPlan(shape="refusal"), "completed", "refusal", None),
        (AnswerPlan(shape="incomplete", text="12345678"), "incomplete", "output_text", "1234"),
        (AnswerPlan(text="{"), "completed", "output_text", "{"),
    ],
)
def test_a_line_may_be_answered_badly(
    openai_standin: OpenAIStandIn,
    openai_client: OpenAI,
    plan: AnswerPlan,
    status: str,
    kind: str,
    text: str | None,
) -> None:
    job = job_of(openai_client, openai_standin, LinePlan(answer=plan, when=only_a))
    lines = results(openai_client, job.output_file_id)
    body = lines["a"]["response"]["body"]
    (content,) = body["output"][0]["content"]
    assert (body["status"], content["type"], content.get("text")) == (status, kind, text)
    usual = lines["b"]["response"]["body"]["output"][0]["content"][0]["text"]
    assert usual.startswith("# A fact")


def test_an_answer_plan_holds_for_jobs_too(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.answers.add(AnswerPlan(text="Told.", when=lambda body: body["input"] == "B"))
    job = ended(openai_client, new_job(openai_client, request("a"), request("b", "B")))
    body = results(openai_client, job.output_file_id)["b"]["response"]["body"]
    assert body["output"][0]["content"][0]["text"] == "Told."


def test_a_line_plan_is_used_as_often_as_it_says(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    job = job_of(openai_client, openai_standin, LinePlan(status=500, times=1))
    assert job.request_counts is not None
    assert (job.request_counts.completed, job.request_counts.failed) == (1, 1)
    assert not openai_standin.line_plans.pending


def test_a_line_plan_says_one_thing() -> None:
    with pytest.raises(ValueError, match="at most one of answer, status, error"):
        LinePlan(status=500, error="batch_expired")


def poll(client: OpenAI, job: Batch, status: str) -> Batch:
    while (found := client.batches.retrieve(job.id)).status != status:
        time.sleep(0.01)
    return found


def completed(client: OpenAI, job: Batch) -> int:
    """How many requests of a job have been answered well."""
    counts = client.batches.retrieve(job.id).request_counts
    assert counts is not None
    return counts.completed


def test_a_long_job_is_answered_aside(openai_standin: OpenAIStandIn, openai_client: OpenAI) -> None:
    gate = threading.Event()

    def say(_: Any) -> str:
        gate.wait(timeout=60)
        return "At last."

    openai_standin.answers.add(AnswerPlan(text=say))
    openai_standin.job_plans.add(JobPlan(in_progress=0, finalizing=1))
    job = new_job(openai_client, *LONG)
    while openai_standin.jobs[job.id].answered is None:
        assert openai_client.batches.retrieve(job.id).status == "validating"

    assert statuses(openai_client, job, 3) == ["validating"] * 3, "nobody waits for its answers"
    assert new_job(openai_client).status == "validating"
    gate.set()
    poll(openai_client, job, "finalizing")
    done = openai_client.batches.retrieve(job.id)
    assert done.status == "completed"
    assert set(results(openai_client, done.output_file_id)) == {"r-0", "r-1", "r-2"}


def test_a_long_job_that_a_stop_interrupts_goes_on_after_a_start(http: httpx2.Client) -> None:
    before = set(threading.enumerate())
    standin = OpenAIStandIn()
    said: list[int] = []
    begun = threading.Event()

    def say(_: Any) -> str:
        begun.set()
        said.append(len(said))
        if len(said) == 1:
            standin._serving._stopping.wait()
        return "Said."

    standin.answers.add(AnswerPlan(text=say))
    standin.job_plans.default = JobPlan(in_progress=None)
    with standin:
        client = OpenAI(base_url=standin.base_url, api_key="k", max_retries=0, http_client=http)
        job = new_job(client, *LONG)
        while not begun.is_set():
            client.batches.retrieve(job.id)
            time.sleep(0.01)
    assert len(said) == 1, "a stop does not wait for the rest"
    assert set(threading.enumerate()) <= before

    with standin:
        client = OpenAI(base_url=standin.base_url, api_key="k", max_retries=0, http_client=http)
        while completed(client, job) == 0:
            time.sleep(0.01)
    assert len(said) == 1 + len(LONG), "it begins again with the first"
