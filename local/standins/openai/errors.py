"""OpenAI's errors as they look on the wire: ``{"error": {message, type, param, code}}``.

::

    ApiError                    answered with its status
    DroppedConnectionError      never answered: the connection is gone
"""

from collections.abc import Mapping

from openai.types.shared import ErrorObject


class ApiError(Exception):
    """An answer with a status of 400 or more."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = ErrorObject(message=message, type=kind, param=param, code=code)
        self.headers = dict(headers or {})


class DroppedConnectionError(ConnectionError):
    """The client gets no answer; the server knows a ConnectionError and stays silent."""


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """The request breaks a rule of the API."""
    return ApiError(400, message, param=param, code=code)


def not_found(message: str, param: str | None = None) -> ApiError:
    """What the request names is not here."""
    return ApiError(404, message, param=param)


def unauthorised(key: str | None) -> ApiError:
    """No key, or one that is not accepted; the message shows only the key's ends, as OpenAI's."""
    if not key:
        return ApiError(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    shown = f"{key[:3]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * 8
    return ApiError(
        401,
        f"Incorrect API key provided: {shown}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )
