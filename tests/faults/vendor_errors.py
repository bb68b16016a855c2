"""What each vendor's SDK raises when a call times out, is throttled, or meets a server error.

They are raised where the SDK would raise them, so that the edges' own translation is part of what
is tried.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import httpx2
import openai
from botocore.exceptions import ClientError, ReadTimeoutError, ResponseStreamingError
from pinecone.errors import PineconeTimeoutError, RateLimitError, ServiceError

from functions.errors import DownloadError, DownloadFailure

_URL = "https://service.example"
_DYNAMODB, _S3 = "dynamodb", "s3"
# The throttle of each service, by its own name.
_THROTTLES = {
    _DYNAMODB: ("ProvisionedThroughputExceededException", 400),
    _S3: ("SlowDown", 503),
}


def timeout(call: str) -> Exception:
    """No answer in time, or no more of it."""
    return _of(call, "timeout")


def throttle(call: str) -> Exception:
    """Too many requests."""
    return _of(call, "throttle")


def server_error(call: str) -> Exception:
    """A 5xx."""
    return _of(call, "server_error")


def _of(call: str, kind: str) -> Exception:
    service = call.partition(".")[0]
    if call.endswith(".body"):
        # A body has begun with a good status: all that can happen to it is that it breaks off.
        broken = _BROKEN_BODIES[service]
        return broken()
    vendor = _VENDORS.get(service, _aws)
    return vendor(call, kind)


def _aws(call: str, kind: str) -> Exception:
    service, _, operation = call.partition(".")
    if kind == "timeout":
        return ReadTimeoutError(endpoint_url=_URL)
    code, status = ("InternalServerError", 500)
    if kind == "throttle":
        code, status = _THROTTLES.get(service, ("ThrottlingException", 400))
    return ClientError(
        {
            "Error": {"Code": code, "Message": f"told to answer {code}"},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "told",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 4,
            },
        },
        operation,
    )


def _openai(call: str, kind: str) -> Exception:
    request = httpx2.Request("POST", f"{_URL}/{call}")
    if kind == "timeout":
        return openai.APITimeoutError(request)
    error, status = (
        (openai.RateLimitError, 429) if kind == "throttle" else (openai.InternalServerError, 500)
    )
    message = f"told to answer {status}"
    return error(message, response=httpx2.Response(status, request=request), body=None)


def _pinecone(call: str, kind: str) -> Exception:
    if kind == "timeout":
        return PineconeTimeoutError(f"{call} took too long")
    if kind == "throttle":
        return RateLimitError("told to answer 429", 429)
    return ServiceError("told to answer 500", 500)


def _web(call: str, kind: str) -> Exception:
    failure, detail = {
        "timeout": (DownloadFailure.TIMEOUT, f"{call} took too long"),
        "throttle": (DownloadFailure.HTTP_STATUS, "status 429"),
        "server_error": (DownloadFailure.HTTP_STATUS, "status 500"),
    }[kind]
    return DownloadError(failure, detail)


_VENDORS: Mapping[str, Callable[[str, str], Exception]] = MappingProxyType(
    {"openai": _openai, "pinecone": _pinecone, "web": _web}
)
_BROKEN_BODIES: Mapping[str, Callable[[], Exception]] = MappingProxyType(
    {
        "openai": lambda: httpx2.ReadTimeout("told to break off"),
        _S3: lambda: ResponseStreamingError(error="told to break off"),
    }
)
