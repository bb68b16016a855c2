"""What Pinecone, or whoever stands in its place, answers: a result or our error."""

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given
from pinecone._internal import http_client

from functions.clients.pinecone import VectorIndex
from functions.clients.secrets import Secret
from functions.errors import FlowError
from tests.functions.bad_input.answers import AnsweringServer, answer, answering, any_answers
from tests.functions.bad_input.inputs import (
    MISSING,
    OnlyOurErrors,
    each_part_as,
    some,
    spoiled,
)
from tests.pinecone_sdk import all_attempts

FETCHED = {
    "vectors": {"a": {"id": "a", "values": [1.0], "metadata": {"text": "x"}}},
    "namespace": "words",
    "usage": {"readUnits": 1},
}
Call = Callable[[VectorIndex], None]


def existing(index: VectorIndex) -> None:
    found = index.existing(["a", "b"])
    assert found <= {"a", "b"}, "nothing else was asked about"


def set_metadata(index: VectorIndex) -> None:
    index.set_metadata("a", {"valid_labels": ["DATE"], "proposed_label": ""})


each_call = pytest.mark.parametrize("call", [existing, set_metadata])


@pytest.fixture(scope="module")
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer() as running:
        yield running


@pytest.fixture
def index(
    server: AnsweringServer, secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VectorIndex]:
    """The SDK makes all its attempts, and waits for none of them."""
    monkeypatch.setattr(http_client, "_retry_sleep", lambda _: None)
    opened = VectorIndex(secret, host=server.url, namespace="words", timeout_seconds=5)
    with all_attempts():
        yield opened
    opened.close()


def test_the_good_answer_is_taken(server: AnsweringServer, index: VectorIndex) -> None:
    server.give(answering(FETCHED))
    assert index.existing(["a", "b"]) == {"a"}


@some
@given(said=spoiled(FETCHED))
def test_an_answer_with_one_part_spoiled_gives_a_result_or_our_error(
    said: object, server: AnsweringServer, index: VectorIndex
) -> None:
    server.give(answering(said))
    with OnlyOurErrors():
        existing(index)


def test_an_answer_without_one_of_its_parts_gives_a_result_or_our_error(
    server: AnsweringServer, index: VectorIndex
) -> None:
    for value in each_part_as(FETCHED, MISSING, None, 7, [7]):
        server.give(answering(value))
        with OnlyOurErrors():
            existing(index)


@each_call
@some
@given(said=any_answers)
@example(said=answer(b"\xff\xfe"))
@example(said=answer(b"9" * 5_000))
@example(said=answer(b"[" * 50_000))
def test_any_answer_gives_a_result_or_our_error(
    call: Call, said: bytes, server: AnsweringServer, index: VectorIndex
) -> None:
    server.give(said)
    with all_attempts(), OnlyOurErrors():
        call(index)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_what_is_said_of_an_error_fits_a_log_line(
    status: int, server: AnsweringServer, index: VectorIndex
) -> None:
    body = json.dumps({"error": {"code": "X", "message": "x" * 500_000 + "\ud83d"}})
    server.give(answer(body.encode(), status=status))
    with pytest.raises(FlowError) as failed:
        set_metadata(index)
    assert len(str(failed.value).encode()) < 2_000
