"""The edge of AWS: how its clients are made and what their errors become."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from functions.errors import AwsRejectedError, AwsUnavailableError

# Error codes that ask for another try, as botocore's own standard retry mode reads them:
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html#standard-retry-mode
_TRANSIENT = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "InternalServerError",
        "InternalServiceError",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    # One connection for each thread of the ingest function.
    max_pool_connections=50,
    retries={"mode": "standard", "total_max_attempts": 4},
)


def client(service: str) -> Any:
    """A client with time-outs that fit in a function's own, in the function's own region."""
    return boto3.client(service, config=CONFIG)  # type: ignore[call-overload]


@contextmanager
def translated() -> Iterator[None]:
    """Turn botocore's errors into AwsUnavailableError or AwsRejectedError."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = (
            AwsUnavailableError
            if error_code(error) in _TRANSIENT or status >= 500
            else AwsRejectedError
        )
        raise kind(str(error)) from error
    except ParamValidationError as error:
        raise AwsRejectedError(str(error)) from error
    except BotoCoreError as error:
        # No connection, a time-out, no credentials yet: nothing that the request itself did.
        raise AwsUnavailableError(str(error)) from error


def error_code(error: ClientError) -> str:
    """The service's name for what went wrong, such as ``ConditionalCheckFailedException``."""
    return error.response.get("Error", {}).get("Code", "")
