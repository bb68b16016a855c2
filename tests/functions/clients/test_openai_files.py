"""All files of a project: listed, looked for in a store, and deleted."""

import pytest

from functions.clients import openai_files
from functions.clients.openai import BatchFile, OpenAIService
from functions.clients.openai_files import DocumentFiles, FilePage, ListedFile
from functions.clients.secrets import Secret
from functions.errors import OpenAIRejectedError, OpenAIUnavailableError
from local.standins.openai import BatchPlan, Fault, FileFailure, OpenAIStandIn
from tests.functions.clients.web_server import Serve
from tests.functions.contents import store_with

FILE = '{"id": "file-1", "filename": "a.md", "created_at": 7}'


@pytest.fixture
def files(standin: OpenAIStandIn, secret: Secret) -> DocumentFiles:
    return DocumentFiles(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=0)


def upload(service: OpenAIService, name: str = "a.md") -> str:
    return service.upload_file(name, b"A sentence.", "text/markdown")


def answering(serve: Serve, secret: Secret, body: str) -> DocumentFiles:
    """The files of an OpenAI that answers everything with ``body``."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    server = serve(f"{head}\r\nconnection: close\r\n\r\n{body}".encode())
    url = f"http://127.0.0.1:{server.port}/v1"
    return DocumentFiles(secret, base_url=url, timeout_seconds=10, max_retries=0)


def test_files_for_search_are_listed_oldest_first_page_by_page(
    files: DocumentFiles,
    standin: OpenAIStandIn,
    openai_service: OpenAIService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second, third = (
        ListedFile(
            id=(file_id := upload(openai_service, name)),
            name=name,
            created_at=standin.files[file_id].created_at,
        )
        for name in ("a.md", "b.md", "c.md")
    )
    assert files.listed_after(None) == FilePage(files=[first, second, third], has_more=False)

    monkeypatch.setattr(openai_files, "_PAGE", 2)
    assert files.listed_after(None) == FilePage(files=[first, second], has_more=True)
    assert files.listed_after(second.id) == FilePage(files=[third], has_more=False)
    assert files.listed_after(third.id) == FilePage(files=[], has_more=False)


def test_nothing_is_listed_after_a_file_that_has_gone(files: DocumentFiles) -> None:
    with pytest.raises(OpenAIRejectedError):
        files.listed_after("file-gone")


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"data": []}',
        '{"data": [], "has_more": "perhaps"}',
        '{"data": null, "has_more": false}',
        '{"data": [null], "has_more": false}',
        '{"data": [{"id": "file-1", "filename": "a.md"}], "has_more": false}',
        '{"data": [{"id": null, "filename": "a.md", "created_at": 7}], "has_more": false}',
        '{"data": [{"id": "file-1", "filename": 3, "created_at": 7}], "has_more": false}',
        '{"data": [{"id": "file-1", "filename": "a", "created_at": "7"}], "has_more": false}',
        '{"data": [{"id": "file-1", "filename": "a", "created_at": 0}], "has_more": false}',
    ],
)
def test_what_is_no_list_of_files_is_not_taken_for_one(
    serve: Serve, secret: Secret, body: str
) -> None:
    with pytest.raises(OpenAIUnavailableError):
        answering(serve, secret, body).listed_after(None)


@pytest.mark.parametrize(
    "body",
    [f'{{"data": [{FILE}], "has_more": true}}', '{"data": [], "has_more": true}'],
    ids=["the same again", "nothing"],
)
def test_a_list_that_does_not_go_on_is_not_followed_for_ever(
    serve: Serve, secret: Secret, body: str
) -> None:
    with pytest.raises(OpenAIUnavailableError, match="does not go on after file-1"):
        answering(serve, secret, body).listed_after("file-1")


def test_a_file_without_a_name_is_listed_without_one(serve: Serve, secret: Secret) -> None:
    body = '{"data": [{"id": "file-1", "filename": null, "created_at": 7}], "has_more": false}'
    [file] = answering(serve, secret, body).listed_after(None).files
    assert file == ListedFile(id="file-1", name="", created_at=7)


def test_a_deleted_file_is_in_no_store_any_more(
    files: DocumentFiles, standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    store = store_with(openai_service, {"a.md": "Some text.", "b.md": "More text."})
    gone, kept = standin.files

    files.delete(gone)

    assert list(standin.files) == [kept]
    assert list(standin.vector_stores[store].attachments) == [kept]
    files.delete(gone)


def test_a_file_is_not_taken_for_deleted_while_openai_cannot_say(
    files: DocumentFiles, standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    file_id = upload(openai_service)
    standin.faults.add(Fault(operation="files.delete", status=500))
    with pytest.raises(OpenAIUnavailableError):
        files.delete(file_id)


@pytest.mark.parametrize("body", ["{}", "[]", '{"deleted": false}', '{"deleted": "false"}'])
def test_a_file_is_deleted_only_if_openai_says_so(serve: Serve, secret: Secret, body: str) -> None:
    with pytest.raises(OpenAIUnavailableError):
        answering(serve, secret, body).delete("file-1")


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        (BatchPlan(polls=0), True),
        (BatchPlan(polls=None), False),
        (BatchPlan(polls=0, status="cancelled"), False),
        (BatchPlan(polls=0, failures=[FileFailure()]), False),
    ],
    ids=["indexed", "under way", "cancelled", "failed"],
)
def test_a_file_can_be_searched_when_it_is_indexed(
    files: DocumentFiles,
    standin: OpenAIStandIn,
    openai_service: OpenAIService,
    plan: BatchPlan,
    found: bool,
) -> None:
    standin.plans.add(plan)
    file_id = upload(openai_service)
    store = openai_service.create_vector_store("news", expires_after_days=None)
    attached = [BatchFile(file_id=file_id, attributes={})]
    batch = openai_service.create_file_batch(store, attached)
    openai_service.file_batch(store, batch)

    assert files.can_be_searched(file_id, store) is found


def test_what_is_not_in_a_store_or_in_none_cannot_be_searched(
    files: DocumentFiles, openai_service: OpenAIService
) -> None:
    file_id = upload(openai_service)
    store = openai_service.create_vector_store("news", expires_after_days=None)

    assert not files.can_be_searched(file_id, store)
    assert not files.can_be_searched(file_id, "vs_gone")


@pytest.mark.parametrize("body", ["{}", "[]", '{"id": "file-2", "status": "completed"}'])
def test_another_answer_says_nothing_of_a_file(serve: Serve, secret: Secret, body: str) -> None:
    with pytest.raises(OpenAIUnavailableError):
        answering(serve, secret, body).can_be_searched("file-1", "vs_1")
