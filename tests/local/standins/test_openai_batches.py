"""The OpenAI stand-in's batch jobs: making, checking, listing and cancelling them."""

from typing import Any

import httpx2
import pytest
from openai import BadRequestError, ConflictError, NotFoundError, OpenAI

from local.standins.openai import Fault, JobPlan, OpenAIStandIn
from tests.local.standins.openai_jobs import (
    ended,
    many,
    new_job,
    request,
    results,
    statuses,
    upload,
    written,
)

FILE = "file-none"


def test_a_job_is_validated_worked_on_and_completed(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    job = new_job(openai_client, request("a"), request("b"), tenant="t-1")

    assert job.id.startswith("batch_")
    assert (job.object, job.status, job.completion_window) == ("batch", "validating", "24h")
    assert (job.endpoint, job.metadata) == ("/v1/responses", {"tenant": "t-1"})
    assert job.expires_at == job.created_at + 86_400

    under_way = openai_client.batches.retrieve(job.id)
    assert (under_way.status, under_way.model) == ("in_progress", "m")
    assert under_way.request_counts is not None
    assert under_way.request_counts.to_dict() == {"total": 2, "completed": 1, "failed": 0}
    assert (under_way.output_file_id, under_way.completed_at) == (None, None)

    done = openai_client.batches.retrieve(job.id)
    assert (done.status, done.errors, done.error_file_id) == ("completed", None, None)
    assert done.request_counts is not None
    assert done.request_counts.to_dict() == {"total": 2, "completed": 2, "failed": 0}
    for moment in (done.in_progress_at, done.finalizing_at, done.completed_at):
        assert moment is not None
    assert openai_client.batches.retrieve(job.id) == done, "what has ended stays so"
    assert openai_standin.jobs[job.id].status == "completed"


def test_each_request_is_answered_as_a_call_of_its_own_would_be(openai_client: OpenAI) -> None:
    job = new_job(openai_client, request("a", "First thing."), request("b", "Second thing."))
    done = ended(openai_client, job)

    answers = results(openai_client, done.output_file_id)
    tokens = 0
    for custom_id, said in (("a", "First thing."), ("b", "Second thing.")):
        line, alone = answers[custom_id], openai_client.responses.create(model="m", input=said)
        assert line["id"].startswith("batch_req_")
        assert (line["error"], line["response"]["status_code"]) == (None, 200)
        body = line["response"]["body"]
        assert body["output"][0]["content"] == alone.to_dict()["output"][0]["content"]  # type: ignore[index]
        assert alone.usage is not None
        assert body["usage"] == alone.usage.to_dict()
        tokens += alone.usage.total_tokens
    assert done.usage is not None
    assert done.usage.total_tokens == tokens
    assert done.usage.input_tokens + done.usage.output_tokens == tokens


def test_answers_come_in_an_order_of_their_own_but_always_the_same(openai_client: OpenAI) -> None:
    requests = many(30)

    def order() -> list[str]:
        done = ended(openai_client, new_job(openai_client, *requests))
        return list(results(openai_client, done.output_file_id))

    first = order()
    assert first != [line["custom_id"] for line in requests]
    assert first == order()


def test_a_request_that_breaks_a_rule_is_an_error_line(openai_client: OpenAI) -> None:
    job = new_job(openai_client, request("good"), request("bad", temperature="hot"))
    done = ended(openai_client, job)

    assert done.request_counts is not None
    assert done.request_counts.to_dict() == {"total": 2, "completed": 1, "failed": 1}
    assert list(results(openai_client, done.output_file_id)) == ["good"]
    line = results(openai_client, done.error_file_id)["bad"]
    assert (line["error"], line["response"]["status_code"]) == (None, 400)
    assert line["response"]["body"]["error"]["param"] == "temperature"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"input_file_id": None}, "input_file_id", "invalid_type"),
        ({"endpoint": "/v1/poems"}, "endpoint", "invalid_value"),
        ({"endpoint": "/v1/embeddings"}, "endpoint", None),
        ({"completion_window": "1h"}, "completion_window", "invalid_value"),
        ({"metadata": {"k": "x" * 513}}, "metadata.k", "string_above_max_length"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "object_above_max_properties"),
        ({"output_expires_after": {"anchor": "now"}}, "output_expires_after.anchor", None),
        (
            {"output_expires_after": {"anchor": "created_at", "seconds": 60}},
            "output_expires_after.seconds",
            "integer_below_min_value",
        ),
        ({"priority": "high"}, "priority", "unknown_parameter"),
    ],
)
def test_a_job_that_breaks_a_rule_is_refused(
    openai_standin: OpenAIStandIn,
    openai_client: OpenAI,
    body: dict[str, Any],
    param: str,
    code: str | None,
) -> None:
    file_id = upload(openai_client, [request("a")])
    with pytest.raises(BadRequestError) as caught:
        openai_client.batches.create(
            input_file_id=file_id,
            endpoint="/v1/responses",
            completion_window="24h",
            extra_body=body,
        )
    assert caught.value.param == param
    assert code in (None, caught.value.code)
    assert not openai_standin.jobs


@pytest.mark.parametrize("missing", ["input_file_id", "endpoint", "completion_window"])
def test_a_job_needs_its_three_parts(
    openai_standin: OpenAIStandIn, http: httpx2.Client, missing: str
) -> None:
    body = {"input_file_id": FILE, "endpoint": "/v1/responses", "completion_window": "24h"}
    del body[missing]
    response = http.post(
        f"{openai_standin.base_url}/batches", json=body, headers={"Authorization": "Bearer k"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["param"] == missing


def test_a_job_needs_a_file_that_was_uploaded_for_it(openai_client: OpenAI) -> None:
    create = openai_client.batches.create
    with pytest.raises(NotFoundError, match=f"No such File object: {FILE}"):
        create(input_file_id=FILE, endpoint="/v1/responses", completion_window="24h")
    other = openai_client.files.create(file=("a.jsonl", b"{}"), purpose="assistants").id
    with pytest.raises(BadRequestError, match="expected 'batch'"):
        create(input_file_id=other, endpoint="/v1/responses", completion_window="24h")


def test_jobs_are_listed_newest_first_and_page_by_page(openai_client: OpenAI) -> None:
    ids = [new_job(openai_client).id for _ in range(5)]
    first = openai_client.batches.list(limit=2)
    assert ([job.id for job in first.data], first.has_more) == ([ids[4], ids[3]], True)
    assert [job.id for job in first] == ids[::-1], "the SDK follows the pages to the end"
    rest = openai_client.batches.list(after=ids[2])
    assert ([job.id for job in rest.data], rest.has_more) == ([ids[1], ids[0]], False)
    for limit in (0, 101):
        with pytest.raises(BadRequestError, match="'limit'"):
            openai_client.batches.list(limit=limit)


def test_a_list_moves_the_jobs_that_it_shows(openai_client: OpenAI) -> None:
    old, new = new_job(openai_client), new_job(openai_client)
    shown = [openai_client.batches.list(limit=1).data[0].status for _ in range(2)]
    assert shown == ["in_progress", "completed"]
    assert openai_client.batches.retrieve(new.id).status == "completed"
    assert openai_client.batches.retrieve(old.id).status == "in_progress"


def test_a_job_that_has_ended_cannot_be_cancelled(openai_client: OpenAI) -> None:
    job = new_job(openai_client)
    statuses(openai_client, job, 2)
    with pytest.raises(ConflictError, match="Cannot cancel a batch with status 'completed'"):
        openai_client.batches.cancel(job.id)
    assert openai_client.batches.retrieve(job.id).status == "completed"


def test_a_job_that_is_not_there_is_404(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    for call in (openai_client.batches.retrieve, openai_client.batches.cancel):
        with pytest.raises(NotFoundError, match="No batch found with id 'batch_none'"):
            call("batch_none")
    job = new_job(openai_client)
    openai_standin.faults.add(
        Fault(
            operation="batches.retrieve",
            status=404,
            when=lambda asked: asked.ids["batch_id"] == job.id,
        )
    )
    with pytest.raises(NotFoundError):
        openai_client.batches.retrieve(job.id)
    assert openai_client.batches.retrieve(job.id).status == "in_progress", "it was no look"


def test_output_files_can_be_read_and_expire_as_asked(http: httpx2.Client) -> None:
    now = [1_800_000_000.0]
    with OpenAIStandIn(clock=lambda: now[0]) as standin:
        client = OpenAI(base_url=standin.base_url, api_key="k", max_retries=0, http_client=http)
        standin.job_plans.default = JobPlan(in_progress=0)
        usual = ended(client, new_job(client)).output_file_id
        file_id = ended(
            client,
            client.batches.create(
                input_file_id=upload(client, [request("a")]),
                endpoint="/v1/responses",
                completion_window="24h",
                output_expires_after={"anchor": "created_at", "seconds": 3600},
            ),
        ).output_file_id
        assert usual is not None
        assert file_id is not None
        file = client.files.retrieve(file_id)
        assert (file.purpose, file.expires_at) == ("batch_output", 1_800_003_600)
        assert client.files.retrieve(usual).expires_at == 1_800_000_000 + 30 * 86_400
        assert len(written(client, file_id)) == 1
        now[0] += 3600
        with pytest.raises(NotFoundError):
            client.files.content(file_id)
