"""What the errors of AWS's clients become."""

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.retries import standard

from functions.clients import aws
from functions.errors import AwsRejectedError, AwsUnavailableError

URL = "https://sqs.eu-central-1.amazonaws.com"
RETRIED_BY_BOTOCORE = {
    *standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES,  # type: ignore[attr-defined]
    *standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES,  # type: ignore[attr-defined]
}


def client_error(code: str, status: int = 400) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": f"what {code} means"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "SendMessage")


def raised(error: Exception) -> Exception:
    """What comes out of the edge."""
    with pytest.raises(Exception, match=r".") as caught, aws.translated():
        raise error
    return caught.value


@pytest.mark.parametrize("code", sorted(RETRIED_BY_BOTOCORE))
def test_whatever_botocore_itself_would_try_again_is_unavailable(code: str) -> None:
    assert type(raised(client_error(code))) is AwsUnavailableError


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_unavailable_whatever_it_is_called(status: int) -> None:
    assert type(raised(client_error("NeverHeardOf", status))) is AwsUnavailableError


@pytest.mark.parametrize(
    "code", ["TransactionConflictException", "InternalServerError", "InternalServiceError"]
)
def test_a_services_own_word_for_a_passing_failure_is_unavailable(code: str) -> None:
    assert type(raised(client_error(code))) is AwsUnavailableError


@pytest.mark.parametrize(
    "code", ["ValidationException", "AccessDeniedException", "ResourceNotFoundException", ""]
)
def test_any_other_client_error_is_rejected(code: str) -> None:
    assert type(raised(client_error(code))) is AwsRejectedError


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
        NoCredentialsError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_is_unavailable(error: BotoCoreError) -> None:
    assert type(raised(error)) is AwsUnavailableError


def test_a_request_that_its_own_client_refuses_is_rejected() -> None:
    assert type(raised(ParamValidationError(report="no such parameter"))) is AwsRejectedError


def test_the_error_says_what_the_service_said_and_keeps_it_as_its_cause() -> None:
    error = client_error("AccessDeniedException")

    translated = raised(error)

    assert "what AccessDeniedException means" in str(translated)
    assert "SendMessage" in str(translated)
    assert translated.__cause__ is error


def test_a_defect_of_our_own_is_not_called_an_error_of_aws() -> None:
    defect = KeyError("a defect")

    assert raised(defect) is defect
