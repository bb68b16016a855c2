"""Files and vector stores, through the real SDK."""

import pytest

from functions.clients.openai import OpenAIService
from functions.clients.secrets import Secret
from functions.errors import OpenAIUnavailableError
from local.standins.openai import Fault, OpenAIStandIn

DAY = 86_400


@pytest.fixture
def patient(standin: OpenAIStandIn, secret: Secret) -> OpenAIService:
    """The service as the functions have it, which tries again."""
    return OpenAIService(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=2)


def upload(service: OpenAIService, name: str = "a.md", body: bytes = b"A sentence.") -> str:
    return service.upload_file(name, body, "text/markdown")


def test_an_upload_keeps_its_name_and_bytes_and_is_meant_for_file_search(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    file_id = openai_service.upload_file(
        "news.example.pdf", b"%PDF-1.7 \x00\xff", "application/pdf"
    )

    file = standin.files[file_id]
    assert (file.filename, file.purpose) == ("news.example.pdf", "assistants")
    assert file.content == b"%PDF-1.7 \x00\xff"


def test_a_file_exists_until_openai_has_it_no_more(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    file_id = upload(openai_service)

    assert openai_service.file_exists(file_id)
    assert not openai_service.file_exists("file-gone")


def test_a_file_is_not_taken_for_gone_while_openai_cannot_say(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    standin.faults.add(Fault(operation="files.retrieve", status=503))

    with pytest.raises(OpenAIUnavailableError):
        openai_service.file_exists("file-1")


@pytest.mark.parametrize("days", [7, None])
def test_a_store_expires_as_long_after_its_last_use_as_is_asked_for(
    standin: OpenAIStandIn, openai_service: OpenAIService, days: int | None
) -> None:
    store_id = openai_service.create_vector_store("news/example.com", expires_after_days=days)

    store = standin.vector_stores[store_id]
    assert store.name == "news/example.com"
    if days is None:
        assert store.expires_at is None
    else:
        assert store.expires_at == store.last_active_at + days * DAY


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="vector_stores.create", drop="after", times=None),
        Fault(operation="vector_stores.create", malformed=True, times=None),
        Fault(operation="vector_stores.create", status=503, times=None),
        Fault(operation="vector_stores.create", status=429, retry_after=0.01, times=None),
    ],
    ids=["dropped after the effect", "cut off", "503", "429"],
)
def test_a_store_is_never_created_twice(
    standin: OpenAIStandIn, patient: OpenAIService, fault: Fault
) -> None:
    standin.faults.add(fault)

    with pytest.raises(OpenAIUnavailableError):
        patient.create_vector_store("news/example.com", expires_after_days=7)

    assert standin.calls.count("vector_stores.create") == 1


def test_everything_else_is_tried_again(standin: OpenAIStandIn, patient: OpenAIService) -> None:
    standin.faults.add(Fault(operation="files.create", status=429, retry_after=0.01))
    standin.faults.add(Fault(operation="vector_stores.list", drop="before"))

    assert upload(patient) in standin.files
    assert patient.find_vector_store("news/example.com") is None
    assert [call.status for call in standin.calls.of("files.create")] == [429, 200]
    assert [call.status for call in standin.calls.of("vector_stores.list")] == [None, 200]


def test_the_oldest_store_of_a_name_is_found_on_whatever_page(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    for i in range(100):
        openai_service.create_vector_store(f"other/{i}", expires_after_days=None)
    oldest, _ = (
        openai_service.create_vector_store("news/example.com", expires_after_days=None)
        for _ in range(2)
    )

    assert openai_service.find_vector_store("news/example.com") == oldest
    assert openai_service.find_vector_store("news/example") is None


def test_an_expired_store_is_passed_over(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    expired, live = (
        openai_service.create_vector_store("news/example.com", expires_after_days=7)
        for _ in range(2)
    )
    standin.expire_vector_store(expired)

    assert openai_service.find_vector_store("news/example.com") == live


def test_a_store_is_usable_until_it_expires_or_goes(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    store = openai_service.create_vector_store("news/example.com", expires_after_days=7)

    assert openai_service.vector_store_is_usable(store)
    standin.expire_vector_store(store)
    assert not openai_service.vector_store_is_usable(store)
    assert not openai_service.vector_store_is_usable("vs_gone")
