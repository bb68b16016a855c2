"""A connection to OpenAI: its key, its time-outs, and a new key when the old one is refused."""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import openai
from openai import OpenAI
from pydantic import TypeAdapter, ValidationError

from functions.clients import calls
from functions.clients.openai_errors import SET_THE_KEY, translated
from functions.clients.secrets import Secret
from functions.errors import OpenAIRejectedError, OpenAIUnavailableError
from functions.messages import OpenAIId

_ID = TypeAdapter[str](OpenAIId)

T = TypeVar("T")


class Identified(Protocol):
    """An answer that has an id, or should have one."""

    id: str


class OpenAIConnection:
    """What every client of OpenAI's API is made of.

    Errors: OpenAIUnavailableError, OpenAIRejectedError, OpenAINotFoundError.
    """

    def __init__(
        self, key: Secret, *, base_url: str | None, timeout_seconds: float, max_retries: int = 1
    ) -> None:
        self._key = key
        self._client = OpenAI(
            api_key=self._read_key,
            base_url=base_url or "https://api.openai.com/v1",
            timeout=openai.Timeout(timeout_seconds, connect=5),
            max_retries=max_retries,
        )

    def _read_key(self) -> str:
        """The key as a header takes it. OpenAIRejectedError, which does not show it."""
        key = self._key.read()
        if not (key and key.isascii() and key.isprintable()):
            # httpx2's own error would show it whole.
            raise OpenAIRejectedError(f"no header can carry the API key; {SET_THE_KEY}")
        return key

    def _call(self, operation: str, request: Callable[[], T]) -> T:
        name = f"openai.{operation}"
        with translated():
            key = self._read_key()
            # OpenAI's message repeats parts of the key: no later error may have it for a context.
            with suppress(openai.AuthenticationError):
                return calls.call(name, request)
            # The key may have been rotated since it was read.
            self._key.read(refused=key)
            return calls.call(name, request)


def id_of(answer: Identified) -> str:
    """The id in an answer; the SDK puts None for a field that did not come."""
    try:
        return _ID.validate_python(answer.id)
    except ValidationError:
        raise OpenAIUnavailableError("the answer has no id") from None
