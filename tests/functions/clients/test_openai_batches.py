"""File batches, through the real SDK."""

import pytest

from functions.clients.openai import BatchFile, FailedFile, FileBatch, OpenAIService
from functions.clients.secrets import Secret
from functions.errors import OpenAINotFoundError, OpenAIUnavailableError
from local.standins.openai import BatchPlan, FileFailure, OpenAIStandIn
from tests.functions.clients.web_server import Serve, reply

COUNTS = b'{"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1, "new": 7}'
BATCH = b'{"id": "vsfb_1", "object": "%s", "status": "completed", "file_counts": %s}' % (
    b"vector_store.file_batch",
    COUNTS,
)


@pytest.fixture
def store(openai_service: OpenAIService) -> str:
    return openai_service.create_vector_store("news/example.com", expires_after_days=None)


def attached(service: OpenAIService, store: str, count: int) -> str:
    """A batch of so many new files."""
    files = [
        BatchFile(
            file_id=service.upload_file(f"{i}.md", b"A sentence.", "text/markdown"),
            attributes={"ledgerKey": f"key-{i}"},
        )
        for i in range(count)
    ]
    return service.create_file_batch(store, files)


def answering(secret: Secret, serve: Serve, body: bytes) -> OpenAIService:
    """A service whose OpenAI says the same to everything."""
    server = serve(reply(body=body, Content_Type="application/json", Connection="close"))
    return OpenAIService(secret, base_url=server.url("/v1"), timeout_seconds=5, max_retries=0)


def test_files_are_attached_with_their_own_attributes(
    standin: OpenAIStandIn, openai_service: OpenAIService, store: str
) -> None:
    attached(openai_service, store, 2)

    attributes = [item.attributes for item in standin.vector_stores[store].attachments.values()]
    assert attributes == [{"ledgerKey": "key-0"}, {"ledgerKey": "key-1"}]


def test_a_batch_is_under_way_and_then_ends_with_its_counts(
    standin: OpenAIStandIn, openai_service: OpenAIService, store: str
) -> None:
    bad = FileFailure(when=lambda file: file.filename == "2.md")
    standin.plans.add(BatchPlan(polls=1, failures=[bad]))
    batch = attached(openai_service, store, 3)

    first, last = (openai_service.file_batch(store, batch) for _ in range(2))

    assert (first.status, first.total) == ("in_progress", 3)
    assert last == FileBatch(
        status="completed", in_progress=0, completed=2, failed=1, cancelled=0, total=3
    )


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_batch_ends_with_openais_own_word(
    standin: OpenAIStandIn, openai_service: OpenAIService, store: str, status: str
) -> None:
    standin.plans.add(BatchPlan(polls=0, status=status))  # type: ignore[arg-type]

    ended = openai_service.file_batch(store, attached(openai_service, store, 1))

    assert ended.status == status


def test_a_store_that_comes_in_the_place_of_its_batch_is_no_answer(
    standin: OpenAIStandIn, openai_service: OpenAIService, store: str
) -> None:
    standin.plans.add(BatchPlan(polls=0, wrong_objects=1))
    batch = attached(openai_service, store, 1)

    with pytest.raises(
        OpenAIUnavailableError, match=f"{batch}, got a vector_store with id {store}"
    ):
        openai_service.file_batch(store, batch)
    assert openai_service.file_batch(store, batch).status == "completed"


def test_another_batch_is_no_answer(secret: Secret, serve: Serve) -> None:
    service = answering(secret, serve, BATCH)

    with pytest.raises(OpenAIUnavailableError, match="asked for file batch vsfb_2"):
        service.file_batch("vs_1", "vsfb_2")


def test_the_other_spelling_of_a_batch_and_a_count_that_is_new_are_taken(
    secret: Secret, serve: Serve
) -> None:
    service = answering(secret, serve, BATCH)

    assert service.file_batch("vs_1", "vsfb_1").completed == 1


def test_failed_files_are_read_from_every_page_with_reason_and_attributes(
    standin: OpenAIStandIn, openai_service: OpenAIService, store: str
) -> None:
    bad = FileFailure(
        code="unsupported_file", message="No text.", when=lambda file: file.filename != "0.md"
    )
    standin.plans.add(BatchPlan(polls=0, failures=[bad]))
    batch = attached(openai_service, store, 102)
    openai_service.file_batch(store, batch)

    failed = openai_service.failed_files(store, batch)

    assert {file.attributes["ledgerKey"] for file in failed} == {f"key-{i}" for i in range(1, 102)}
    assert {(file.code, file.message) for file in failed} == {("unsupported_file", "No text.")}
    assert standin.calls.count("vector_stores.file_batches.list_files") == 2


def test_a_failed_file_without_a_reason_is_named_all_the_same(secret: Secret, serve: Serve) -> None:
    file = (
        b'{"id": "file-1", "object": "vector_store.file", "status": "failed", "last_error": null}'
    )
    service = answering(
        secret, serve, b'{"object": "list", "data": [%s], "has_more": false}' % file
    )

    assert service.failed_files("vs_1", "vsfb_1") == [
        FailedFile(file_id="file-1", code="unknown", message="no reason given")
    ]


def test_what_is_not_at_openai_is_not_found(openai_service: OpenAIService, store: str) -> None:
    with pytest.raises(OpenAINotFoundError, match="404"):
        openai_service.file_batch(store, "vsfb_gone")
    with pytest.raises(OpenAINotFoundError):
        openai_service.failed_files(store, "vsfb_gone")
    with pytest.raises(OpenAINotFoundError):
        openai_service.create_file_batch("vs_gone", [BatchFile(file_id="file-1", attributes={})])
