"""Telling the OpenAI stand-in to fail, as the real SDK meets it."""

import json
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    OpenAI,
    RateLimitError,
)
from openai.types import FileObject

from local.standins.openai import AnswerPlan, Fault, OpenAIStandIn


def upload(client: OpenAI, name: str = "a.md") -> FileObject:
    return client.files.create(file=(name, b"A sentence."), purpose="assistants")


@pytest.fixture
def patient(openai_client: OpenAI) -> OpenAI:
    """The same client, with the SDK's own two retries."""
    return openai_client.with_options(max_retries=2)


def test_a_429_is_answered_as_often_as_told_before_any_effect(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    fault = openai_standin.faults.add(Fault(operation="files.create", status=429, times=2))
    for _ in range(2):
        assert openai_standin.faults.pending == [fault]
        with pytest.raises(RateLimitError) as caught:
            upload(openai_client)
        assert caught.value.code == "rate_limit_exceeded"
        assert caught.value.request_id == openai_standin.calls[-1].request_id
    assert not openai_standin.files
    assert not openai_standin.faults.pending

    assert upload(openai_client).id in openai_standin.files


def test_the_sdk_waits_as_long_as_retry_after_says(
    openai_standin: OpenAIStandIn, patient: OpenAI
) -> None:
    openai_standin.faults.add(Fault(operation="files.create", status=429, retry_after=0.1, times=2))
    upload(patient)

    calls = openai_standin.calls.of("files.create")
    assert [call.status for call in calls] == [429, 429, 200]
    assert all(later.started - earlier.ended > 0.09 for earlier, later in pairwise(calls))
    assert calls[-1].started - calls[0].ended < 1.1, "left alone, the SDK waits longer than this"


def test_retry_after_is_whole_seconds_with_milliseconds_beside_it(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    for seconds in (1, 0.5):
        openai_standin.faults.add(Fault(operation="files.*", status=503, retry_after=seconds))
    headers = []
    for _ in range(2):
        with pytest.raises(InternalServerError) as caught:
            openai_client.files.list()
        headers.append(caught.value.response.headers)
    assert [found.get("retry-after") for found in headers] == ["1", "1"]
    assert [found.get("retry-after-ms") for found in headers] == [None, "500"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
def test_every_error_has_the_shape_of_the_wire(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, status: int
) -> None:
    openai_standin.faults.add(
        Fault(operation="vector_stores.list", status=status, message="No.", code="because")
    )
    with pytest.raises(APIStatusError) as caught:
        openai_client.vector_stores.list()
    body: dict[str, Any] = caught.value.response.json()
    assert caught.value.status_code == status
    assert set(body) == {"error"}
    assert {"message": "No.", "code": "because", "param": None}.items() <= body["error"].items()
    assert isinstance(body["error"]["type"], str)
    assert str(caught.value.request_id).startswith("req_")


def test_a_connection_dropped_before_the_effect_leaves_nothing(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.faults.add(Fault(operation="files.create", drop="before"))
    with pytest.raises(APIConnectionError):
        upload(openai_client)
    assert not openai_standin.files
    assert [call.status for call in openai_standin.calls] == [None]


def test_a_connection_dropped_after_the_effect_leaves_the_file(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.faults.add(Fault(operation="files.create", drop="after"))
    with pytest.raises(APIConnectionError):
        upload(openai_client)
    assert len(openai_standin.files) == 1
    assert openai_standin.calls.count("files.create") == 1


def test_a_blind_retry_after_a_lost_answer_makes_two(
    openai_standin: OpenAIStandIn, patient: OpenAI
) -> None:
    openai_standin.faults.add(Fault(operation="vector_stores.create", drop="after"))
    patient.vector_stores.create(name="s")
    assert len(openai_standin.vector_stores) == 2


def test_a_delay_outlasts_an_impatient_client(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.faults.add(Fault(operation="files.list", delay=30))
    with pytest.raises(APITimeoutError):
        openai_client.files.list(timeout=0.1)
    assert openai_client.files.list().data == [], "the next call is as fast as ever"


def test_a_delay_may_come_before_another_fault(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.faults.add(Fault(operation="files.list", status=500, delay=0.05))
    with pytest.raises(InternalServerError):
        openai_client.files.list()
    (call,) = openai_standin.calls
    assert call.ended - call.started >= 0.05


def test_a_malformed_body_comes_after_the_effect(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.faults.add(Fault(operation="files.create", malformed=True))
    with pytest.raises(json.JSONDecodeError):
        upload(openai_client)
    assert len(openai_standin.files) == 1


def test_a_fault_is_meant_for_the_requests_that_its_predicate_accepts(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.faults.add(
        Fault(
            operation="files.create",
            status=500,
            times=None,
            when=lambda request: request.body["filename"] == "bad.md",
        )
    )
    upload(openai_client, "good.md")
    for _ in range(3):
        with pytest.raises(InternalServerError):
            upload(openai_client, "bad.md")
    openai_standin.faults.clear()
    upload(openai_client, "bad.md")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fault(operation="files.create"),
        lambda: Fault(operation="files.create", status=500, drop="after"),
        lambda: Fault(operation="files.create", status=200),
    ],
)
def test_a_fault_that_means_nothing_is_refused(make: Callable[[], Fault]) -> None:
    with pytest.raises(ValueError, match=r"fault"):
        make()


def test_a_misspelt_operation_is_refused(openai_standin: OpenAIStandIn) -> None:
    with pytest.raises(
        ValueError, match=r"no operation 'file\.create'; there are .*, files\.create"
    ):
        openai_standin.faults.add(Fault(operation="file.create", status=500))
    with pytest.raises(ValueError, match="no operation"):
        openai_standin.latency["uploads"] = 1
    with pytest.raises(ValueError, match="times is 0"):
        openai_standin.answers.add(AnswerPlan(times=0))


def test_an_operation_can_be_made_slow_for_good(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.latency["files.create"] = 0.05
    for _ in range(2):
        upload(openai_client)
    for call in openai_standin.calls.of("files.create"):
        assert call.ended - call.started >= 0.05
    assert openai_client.files.list().data


def test_slow_calls_do_not_hold_each_other_up(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.latency["files.create"] = 0.2
    threads = [threading.Thread(target=upload, args=(openai_client,)) for _ in range(8)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(openai_standin.files) == 8
    assert time.monotonic() - started < 1.2, "eight times 0.2 s one after the other is 1.6 s"


def test_the_log_counts_calls_and_keeps_what_was_sent(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    upload(openai_client)
    openai_client.vector_stores.create(name="R&D")
    with pytest.raises(APIStatusError):
        openai_client.files.retrieve("file-none")

    calls = openai_standin.calls
    assert calls.count("files.create") == calls.count("vector_stores.create", status=200) == 1
    assert calls.count("files.retrieve", status=404) == 1
    assert calls.count("files.retrieve", status=200) == 0
    first, second = calls[:2]
    assert (first.method, first.path, first.status) == ("POST", "/v1/files", 200)
    assert first.body == {"purpose": "assistants", "filename": "a.md"}
    assert second.body == {"name": "R&D"}
    assert first.started <= first.ended <= second.started
    calls.clear()
    assert len(calls) == 0


def test_each_answer_carries_its_request_id(
    openai_standin: OpenAIStandIn, http: httpx2.Client
) -> None:
    client = OpenAI(base_url=openai_standin.base_url, api_key="k", http_client=http)
    raw = client.files.with_raw_response.list()
    assert raw.headers["x-request-id"] == openai_standin.calls[-1].request_id
