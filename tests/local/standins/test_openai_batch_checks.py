"""What the OpenAI stand-in finds wrong with the input file of a batch job."""

from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from local.standins.openai import files
from tests.local.standins.openai_jobs import jsonl, new_job, request


@pytest.mark.parametrize(
    ("line", "code", "param"),
    [
        ('{"custom_id": ', "invalid_json_line", None),
        ("[]", "invalid_json_line", None),
        ("", "invalid_json_line", None),
        ({"method": "POST"}, "missing_required_parameter", "custom_id"),
        ({**request("b"), "custom_id": 7}, "invalid_type", "custom_id"),
        ({**request("b"), "body": "text"}, "invalid_type", "body"),
        ({**request("b"), "method": "GET"}, "invalid_method", "method"),
        ({**request("b"), "url": "/v1/chat/completions"}, "invalid_url", "url"),
        (request("a"), "duplicate_custom_id", "custom_id"),
        (request("b", model="other"), "mismatched_model", "body.model"),
    ],
)
def test_a_line_that_is_no_request_fails_the_job(
    openai_client: OpenAI, line: dict[str, Any] | str, code: str, param: str | None
) -> None:
    job = new_job(openai_client, request("a"), line, request("c"))
    assert (job.status, job.errors) == ("validating", None)

    failed = openai_client.batches.retrieve(job.id)

    assert failed.status == "failed"
    assert failed.failed_at is not None
    assert (failed.output_file_id, failed.error_file_id) == (None, None)
    assert failed.errors is not None
    assert failed.errors.data is not None
    (error,) = failed.errors.data
    assert (error.code, error.param, error.line) == (code, param, 2)
    assert failed.request_counts is not None
    assert failed.request_counts.total == 0


def test_a_file_of_nothing_or_of_too_much_fails_the_job(openai_client: OpenAI) -> None:
    content = openai_client.files.create(file=("none.jsonl", b""), purpose="batch").id
    empty = openai_client.batches.create(
        input_file_id=content, endpoint="/v1/responses", completion_window="24h"
    ).id
    full = new_job(openai_client, *["{}"] * 50_001).id
    for job_id, code in ((empty, "empty_file"), (full, "too_many_tasks")):
        job = openai_client.batches.retrieve(job_id)
        assert job.status == "failed"
        assert job.errors is not None
        assert job.errors.data is not None
        assert [(error.code, error.line) for error in job.errors.data] == [(code, None)]


def test_an_input_file_is_jsonl(openai_client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match=r"Must be \.jsonl"):
        openai_client.files.create(file=("a.txt", jsonl([request("a")])), purpose="batch")


def test_an_input_file_is_not_larger_than_the_limit(
    openai_client: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.MAX_BATCH_BYTES == 200 * 1024 * 1024
    monkeypatch.setattr(files, "MAX_BATCH_BYTES", 10)
    openai_client.files.create(file=("a.jsonl", b"x" * 10), purpose="batch")
    openai_client.files.create(file=("a.md", b"x" * 11), purpose="assistants")
    with pytest.raises(BadRequestError, match="too large: the limit is 10 bytes"):
        openai_client.files.create(file=("a.jsonl", b"x" * 11), purpose="batch")
