"""Being told to fail, call by call."""

import math
from collections import UserDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from local.standins.openai.errors import ApiError
from local.standins.openai.requests import ApiRequest
from local.standins.openai.rules import Rules

# What OpenAI says where a fault doesn't: (type, code, message).
_USUAL: dict[int, tuple[str, str | None, str]] = {
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
}
_USUAL_CLIENT_ERROR = ("invalid_request_error", None, "The request was refused.")
_USUAL_SERVER_ERROR = ("server_error", None, "The server had an error processing your request.")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to fail, for the next ``times`` calls of ``operation`` that ``when`` accepts.

    ``operation`` may be a pattern (``vector_stores.*``). Say one of: ``status``, an HTTP error
    before the effect; ``drop``, a connection closed without an answer before or after the effect;
    ``malformed``, the effect and then half of a JSON body. ``delay`` in seconds comes before any of
    them, or alone makes the call slow. ``retry_after`` is in seconds; a fraction is also sent as
    ``retry-after-ms``, which the SDK prefers. ``times`` None is always.
    """

    operation: str
    status: int | None = None
    retry_after: float | None = None
    message: str | None = None
    code: str | None = None
    drop: Literal["before", "after"] | None = None
    malformed: bool = False
    delay: float = 0.0
    times: int | None = 1
    when: Callable[[ApiRequest], bool] | None = None

    def __post_init__(self) -> None:
        kinds = sum((self.status is not None, self.drop is not None, self.malformed))
        if kinds > 1 or (kinds == 0 and self.delay <= 0):
            raise ValueError("a fault is one of status, drop, malformed, or a delay")
        if self.status is not None and not 400 <= self.status <= 599:
            message = f"status is {self.status}: a fault answers with 400 to 599"
            raise ValueError(message)

    def fits(self, request: ApiRequest) -> bool:
        """Whether this fault is meant for ``request``."""
        named = fnmatchcase(request.operation, self.operation)
        return named and (self.when is None or self.when(request))

    def error(self) -> ApiError | None:
        """The answer of a fault with a status."""
        if self.status is None:
            return None
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["retry-after"] = str(math.ceil(self.retry_after))
            if self.retry_after != int(self.retry_after):
                headers["retry-after-ms"] = str(round(self.retry_after * 1000))
        return usual_error(self.status, message=self.message, code=self.code, headers=headers)


def usual_error(
    status: int,
    *,
    message: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiError:
    """An error in the words that OpenAI has for its status, where no others are given."""
    usual = _USUAL_CLIENT_ERROR if status < 500 else _USUAL_SERVER_ERROR
    kind, usual_code, usual_message = _USUAL.get(status, usual)
    return ApiError(
        status, message or usual_message, kind=kind, code=code or usual_code, headers=headers
    )


class Faults(Rules[Fault, ApiRequest]):
    """The faults in force; one that names no operation of the stand-in's is refused."""

    def __init__(self, operations: Collection[str]) -> None:
        super().__init__()
        self._operations = operations

    def add(self, rule: Fault) -> Fault:
        """Put a fault behind those already in force."""
        if not any(fnmatchcase(name, rule.operation) for name in self._operations):
            raise ValueError(unknown_operation(rule.operation, self._operations))
        return super().add(rule)


class Latency(UserDict[str, float]):
    """Seconds that each call of an operation takes before it has its effect."""

    def __init__(self, operations: Collection[str]) -> None:
        super().__init__()
        self._operations = operations

    def __setitem__(self, operation: str, seconds: float) -> None:
        if operation not in self._operations:
            raise ValueError(unknown_operation(operation, self._operations))
        super().__setitem__(operation, seconds)


def unknown_operation(operation: str, known: Collection[str]) -> str:
    """The message for a name that would never be called."""
    return f"no operation {operation!r}; there are {', '.join(sorted(known))}"
