"""What OpenAI's failures become, and what they never show."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from functions.clients import calls
from functions.clients.openai import OpenAIService
from functions.clients.secrets import Secret
from functions.errors import (
    AwsUnavailableError,
    FlowError,
    OpenAINotFoundError,
    OpenAIRejectedError,
    OpenAIUnavailableError,
)
from local.standins.openai import Fault, OpenAIStandIn
from tests.functions.clients.web_server import Serve, reply
from tests.functions.conftest import API_KEY

FIND = "vector_stores.list"
OTHER_KEY = "sk-rotated-zyxwvutsrqponmlkjihgfedcba"


def set_key(text: str) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId="openai-key", SecretString=text)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(operation=FIND, status=400), OpenAIRejectedError),
        (Fault(operation=FIND, status=403), OpenAIRejectedError),
        (Fault(operation=FIND, status=404), OpenAINotFoundError),
        (Fault(operation=FIND, status=408), OpenAIUnavailableError),
        (Fault(operation=FIND, status=409), OpenAIUnavailableError),
        (Fault(operation=FIND, status=422), OpenAIRejectedError),
        (Fault(operation=FIND, status=429, retry_after=1), OpenAIUnavailableError),
        (Fault(operation=FIND, status=429, code="insufficient_quota"), OpenAIRejectedError),
        (Fault(operation=FIND, status=500), OpenAIUnavailableError),
        (Fault(operation=FIND, status=503), OpenAIUnavailableError),
        (Fault(operation=FIND, drop="before"), OpenAIUnavailableError),
        (Fault(operation=FIND, drop="after"), OpenAIUnavailableError),
        (Fault(operation=FIND, malformed=True), OpenAIUnavailableError),
    ],
    ids=lambda value: (
        f"{value.status or value.drop or 'malformed'} {value.code or ''}".strip()
        if isinstance(value, Fault)
        else value.__name__
    ),
)
def test_each_failure_is_retryable_or_final(
    standin: OpenAIStandIn, openai_service: OpenAIService, fault: Fault, kind: type[FlowError]
) -> None:
    standin.faults.add(fault)

    with pytest.raises(FlowError) as failed:
        openai_service.find_vector_store("news/example.com")

    assert type(failed.value) is kind
    assert failed.value.__cause__ is not None
    assert standin.calls.count(FIND) == 1


def test_an_error_says_what_openai_said_and_names_the_request(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    standin.faults.add(Fault(operation=FIND, status=429, message="Slow down.", code="too_fast"))

    with pytest.raises(OpenAIUnavailableError) as failed:
        openai_service.find_vector_store("news/example.com")

    [call] = standin.calls
    assert "429 too_fast" in str(failed.value)
    assert "Slow down." in str(failed.value)
    assert call.request_id in str(failed.value)


def test_an_answer_that_does_not_come_is_given_up(standin: OpenAIStandIn, secret: Secret) -> None:
    service = OpenAIService(secret, base_url=standin.base_url, timeout_seconds=0.2, max_retries=0)
    standin.faults.add(Fault(operation=FIND, delay=60))

    with pytest.raises(OpenAIUnavailableError, match="APITimeoutError"):
        service.find_vector_store("news/example.com")


def test_a_server_that_is_not_there_is_unavailable(secret: Secret, serve: Serve) -> None:
    server = serve(b"")
    server.stop()
    service = OpenAIService(secret, base_url=server.url("/v1"), timeout_seconds=5, max_retries=0)

    with pytest.raises(OpenAIUnavailableError, match="APIConnectionError"):
        service.file_exists("file-1")


@pytest.mark.parametrize(
    "answer",
    [
        reply(body=b"<html>Sign in</html>", Content_Type="text/html", Connection="close"),
        reply(body=b"{}", Content_Type="application/json", Connection="close"),
        reply(body=b'{"id": "vs_1"', Content_Type="application/json", Connection="close"),
    ],
    ids=["a page", "another object", "half of it"],
)
def test_an_answer_that_the_api_does_not_document_is_unavailable(
    secret: Secret, serve: Serve, answer: bytes
) -> None:
    server = serve(answer)
    service = OpenAIService(secret, base_url=server.url("/v1"), timeout_seconds=5, max_retries=0)

    with pytest.raises(OpenAIUnavailableError):
        service.file_batch("vs_1", "vsfb_1")
    with pytest.raises(OpenAIUnavailableError):
        service.vector_store_is_usable("vs_1")


def test_openai_asking_for_a_longer_wait_than_a_function_has_is_not_waited_for(
    standin: OpenAIStandIn, secret: Secret
) -> None:
    service = OpenAIService(secret, base_url=standin.base_url, timeout_seconds=5, max_retries=2)
    standin.faults.add(Fault(operation=FIND, status=429, retry_after=3600))

    with pytest.raises(OpenAIUnavailableError):
        service.find_vector_store("news/example.com")

    assert standin.calls.count(FIND) == 1


def test_a_rotated_key_works_without_waiting_for_the_kept_one_to_age(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    openai_service.find_vector_store("news/example.com")
    set_key(OTHER_KEY)
    assert standin.api_keys is not None
    standin.api_keys.clear()
    standin.api_keys.add(OTHER_KEY)

    store = openai_service.create_vector_store("news/example.com", expires_after_days=7)

    assert [call.status for call in standin.calls.of("vector_stores.create")] == [401, 200]
    assert list(standin.vector_stores) == [store]


def test_a_key_that_openai_refuses_is_read_afresh_once(
    standin: OpenAIStandIn, secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, call = Counter[str](), calls.call

    def counted(name: str, request: Callable[[], Any]) -> Any:
        made[name] += 1
        return call(name, request)

    monkeypatch.setattr(calls, "call", counted)
    refused = OpenAIService(
        Secret("openai-key"), base_url=standin.base_url, timeout_seconds=5, max_retries=2
    )
    set_key(OTHER_KEY)

    with pytest.raises(OpenAIRejectedError, match="pulumi config set --secret openaiApiKey"):
        refused.find_vector_store("news/example.com")

    assert made["secretsmanager.get_secret_value"] == 2
    assert [call.status for call in standin.calls] == [401, 401]


def test_a_key_that_was_set_with_a_line_end_works(
    standin: OpenAIStandIn, secret: Secret, openai_service: OpenAIService
) -> None:
    set_key(f"{API_KEY}\n")

    assert openai_service.find_vector_store("news/example.com") is None


@pytest.mark.parametrize(
    "key",
    [OTHER_KEY, f"{OTHER_KEY}\nand more", f"{OTHER_KEY}é", " "],
    ids=["refused by OpenAI", "two lines", "not ASCII", "blank"],
)
def test_an_error_shows_nothing_of_the_key(
    standin: OpenAIStandIn, openai_service: OpenAIService, key: str
) -> None:
    set_key(key)

    with pytest.raises(OpenAIRejectedError) as failed:
        openai_service.find_vector_store("news/example.com")

    shown = [repr(error) for error in _chain(failed.value)]
    for text in (*shown, "".join(traceback.format_exception(failed.value))):
        assert "sk-" not in text
        assert OTHER_KEY[-4:] not in text, "OpenAI's own message shows a key's ends"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what is said to have caused it, as a traceback goes through them."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_secret_that_cannot_be_read_is_an_error_of_aws(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    boto3.client("secretsmanager").delete_secret(
        SecretId="openai-key", ForceDeleteWithoutRecovery=True
    )

    with pytest.raises(AwsUnavailableError):
        openai_service.find_vector_store("news/example.com")

    assert not standin.calls
