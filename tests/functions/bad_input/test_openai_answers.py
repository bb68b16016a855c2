"""What OpenAI, or whoever stands in its place, answers: each method gives a result or our error."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from functions.clients.openai import BatchFile, FailedFile, FileBatch, Hit, OpenAIService
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.secrets import Secret
from functions.errors import FlowError, OpenAIUnavailableError, UnusableAnswerError
from tests.functions.bad_input.answers import (
    RETRY_AFTER,
    AnsweringServer,
    answer,
    answering,
    any_answers,
)
from tests.functions.bad_input.inputs import (
    HALF_A_CHARACTER,
    MISSING,
    OnlyOurErrors,
    assert_plain,
    check_fields,
    each_part_as,
    few,
    some,
    spoiled,
)

# The SDK serializes a response on its way, and warns of what is not as documented.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")


class Opinion(BaseModel):
    """An answer that a model is asked for."""

    opinion: str


FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 9,
    "created_at": 1,
    "filename": "a.md",
    "purpose": "assistants",
    "status": "processed",
}
COUNTS = {"in_progress": 0, "completed": 1, "failed": 1, "cancelled": 0, "total": 2}
STORE = {
    "id": "vs_1",
    "object": "vector_store",
    "created_at": 1,
    "name": "news",
    "status": "completed",
    "usage_bytes": 9,
    "file_counts": COUNTS,
    "last_active_at": 1,
    "metadata": {},
}
FILE_BATCH = {
    "id": "vsfb_1",
    "object": "vector_store.files_batch",
    "created_at": 1,
    "status": "completed",
    "vector_store_id": "vs_1",
    "file_counts": COUNTS,
}
STORE_FILE = {
    "id": "file-1",
    "object": "vector_store.file",
    "status": "failed",
    "last_error": {"code": "unsupported_file", "message": "No."},
    "attributes": {"ledgerKey": "k"},
    "vector_store_id": "vs_1",
    "usage_bytes": 0,
    "created_at": 1,
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-test",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {
            "id": "fs_1",
            "type": "file_search_call",
            "status": "completed",
            "queries": ["x"],
            "results": [
                {
                    "file_id": "file-1",
                    "filename": "a.md",
                    "attributes": {"url": "https://a"},
                    "score": 0.5,
                    "text": "t",
                }
            ],
        },
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": '{"opinion": "good"}', "annotations": []}],
        },
    ],
}
REFUSAL = RESPONSE | {
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "refusal", "refusal": "No."}],
        }
    ]
}
JOB = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/responses",
    "completion_window": "24h",
    "status": "failed",
    "created_at": 1_700_000_000,
    "input_file_id": "file-1",
    "output_file_id": "file-2",
    "error_file_id": "file-3",
    "errors": {"object": "list", "data": [{"code": "c", "message": "m", "line": 1}]},
    "metadata": {"batch_id": "b-1", "stack": "labels"},
    "usage": {
        "input_tokens": 1,
        "output_tokens": 1,
        "total_tokens": 2,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    },
}


def page(*data: Mapping[str, Any], has_more: bool = False) -> dict[str, Any]:
    first, last = data[0]["id"], data[-1]["id"]
    return {
        "object": "list",
        "data": list(data),
        "first_id": first,
        "last_id": last,
        "has_more": has_more,
    }


@dataclass(frozen=True)
class Method:
    """A call, the answer that it expects, and what it makes of that."""

    call: Callable[[OpenAIService, BatchJobs], Any]
    good: Any
    result: Any


def research(store: str | None) -> Callable[[OpenAIService, BatchJobs], tuple[Opinion, list[Hit]]]:
    return lambda service, _: service.research(
        Opinion, model="m", instructions="i", material="x", vector_store_id=store
    )


def content(_: OpenAIService, jobs: BatchJobs) -> bytes:
    with jobs.content("file-1") as blocks:
        return b"".join(blocks)


METHODS = {
    "upload_file": Method(lambda s, _: s.upload_file("a.md", b"x", "text/markdown"), FILE, str),
    "file_exists": Method(lambda s, _: s.file_exists("file-1"), FILE, bool),
    "find_vector_store": Method(lambda s, _: s.find_vector_store("news"), page(STORE), str | None),
    "create_vector_store": Method(
        lambda s, _: s.create_vector_store("news", expires_after_days=7), STORE, str
    ),
    "vector_store_is_usable": Method(lambda s, _: s.vector_store_is_usable("vs_1"), STORE, bool),
    "create_file_batch": Method(
        lambda s, _: s.create_file_batch("vs_1", [BatchFile(file_id="file-1", attributes={})]),
        FILE_BATCH,
        str,
    ),
    "file_batch": Method(lambda s, _: s.file_batch("vs_1", "vsfb_1"), FILE_BATCH, FileBatch),
    "failed_files": Method(
        lambda s, _: s.failed_files("vs_1", "vsfb_1"), page(STORE_FILE), list[FailedFile]
    ),
    "write": Method(lambda s, _: s.write(model="m", instructions="i", material="x"), RESPONSE, str),
    "write, refused": Method(
        lambda s, _: s.write(model="m", instructions="i", material="x"), REFUSAL, str
    ),
    "research": Method(research("vs_1"), RESPONSE, tuple[Opinion, list[Hit]]),
    "research without a store": Method(research(None), RESPONSE, tuple[Opinion, list[Hit]]),
    "jobs.upload": Method(
        lambda _, j: j.upload("r.jsonl", io.BytesIO(b"{}\n"), expires_after_seconds=3600), FILE, str
    ),
    "jobs.create": Method(lambda _, j: j.create("file-1", metadata={}), JOB, Job),
    "jobs.job": Method(lambda _, j: j.job("batch_1"), JOB, Job),
    "jobs.cancel": Method(lambda _, j: j.cancel("batch_1"), JOB, None),
    "jobs.created_since": Method(lambda _, j: list(j.created_since(0)), page(JOB), list[Job]),
    "jobs.content": Method(content, {"any": "bytes"}, bytes),
}
each_method = pytest.mark.parametrize("name", METHODS)


@pytest.fixture(scope="module")
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer() as running:
        yield running


Ask = Callable[[str], Any]


@pytest.fixture
def ask(server: AnsweringServer, secret: Secret) -> Ask:
    """Call a method, and look at what comes out of it if that is no error."""
    options: Any = {"base_url": f"{server.url}/v1", "timeout_seconds": 5, "max_retries": 0}
    service, jobs = OpenAIService(secret, **options), BatchJobs(secret, **options)

    def call(name: str) -> Any:
        method = METHODS[name]
        result = method.call(service, jobs)
        TypeAdapter(method.result).validate_python(result, strict=True)
        if not isinstance(result, bytes):
            assert_plain(result)
            check_fields(result)
        return result

    return call


@each_method
def test_the_good_answer_of_a_method_is_taken(name: str, server: AnsweringServer, ask: Ask) -> None:
    server.give(answering(METHODS[name].good))
    if name == "write, refused":
        with pytest.raises(FlowError, match="refused"):
            ask(name)
    else:
        ask(name)
    assert server.requests == 1


@each_method
@some
@given(data=st.data())
def test_an_answer_with_one_part_spoiled_gives_a_result_or_our_error(
    name: str, server: AnsweringServer, ask: Ask, data: st.DataObject
) -> None:
    server.give(answering(data.draw(spoiled(METHODS[name].good))))
    with OnlyOurErrors():
        ask(name)


@each_method
def test_every_part_of_an_answer_is_looked_at(name: str, server: AnsweringServer, ask: Ask) -> None:
    for value in each_part_as(
        METHODS[name].good, MISSING, None, 10**400, -(10**20), HALF_A_CHARACTER, [7]
    ):
        server.give(answering(value))
        with OnlyOurErrors():
            ask(name)


@each_method
@some
@given(said=any_answers)
@example(said=answer(b"\xff\xfe"))
@example(said=answer(b"9" * 5_000))
@example(said=answer(b"[" * 50_000))
def test_any_answer_gives_a_result_or_our_error(
    name: str, server: AnsweringServer, ask: Ask, said: bytes
) -> None:
    server.give(said)
    with OnlyOurErrors():
        ask(name)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("find_vector_store", page(STORE | {"name": "another"}, has_more=True)),
        ("failed_files", page(STORE_FILE, has_more=True)),
        ("jobs.created_since", page(*[JOB] * 100, has_more=True)),
    ],
)
def test_a_list_that_never_ends_is_given_up(
    name: str, listed: Any, server: AnsweringServer, ask: Ask
) -> None:
    server.give(answering(listed))
    with pytest.raises(OpenAIUnavailableError, match="once more"):
        ask(name)
    assert server.requests == 2


@given(more=st.sampled_from(RETRY_AFTER))
@few
def test_no_wait_that_is_asked_for_is_an_error(
    more: bytes, server: AnsweringServer, secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("openai._base_client.time.sleep", waits.append)
    server.give(answer(b"{}", status=503, more=b"Retry-After: %s\r\n" % more))
    patient = OpenAIService(secret, base_url=server.url, timeout_seconds=5, max_retries=1)

    with pytest.raises(OpenAIUnavailableError, match="503"):
        patient.file_exists("file-1")

    assert all(0 <= wait <= 60 for wait in waits)


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_what_is_said_of_an_error_fits_an_item(
    status: int, server: AnsweringServer, ask: Ask
) -> None:
    message = '{"error": {"message": "' + "x" * 500_000 + '\\ud83d"}}'
    server.give(answer(message.encode(), status=status))
    with pytest.raises(FlowError) as failed:
        ask("upload_file")
    assert len(str(failed.value).encode()) < 2_000


def test_half_a_character_is_no_text(server: AnsweringServer, ask: Ask) -> None:
    said = json.dumps(RESPONSE).replace('{\\"opinion\\": \\"good\\"}', "\\ud83d")
    server.give(answer(said.encode()))
    with pytest.raises(UnusableAnswerError, match="half a character"):
        ask("write")
