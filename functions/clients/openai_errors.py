"""What OpenAI's failures become."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai

from functions.errors import OpenAINotFoundError, OpenAIRejectedError, OpenAIUnavailableError
from functions.excerpts import excerpt

SET_THE_KEY = "set it: pulumi config set --secret openaiApiKey"


@contextmanager
def translated() -> Iterator[None]:
    """Turn the SDK's errors into ours, and whatever else it trips over in an answer."""
    try:
        yield
    except openai.AuthenticationError:
        # OpenAI's message repeats parts of the key: neither it nor its cause may go on.
        raise OpenAIRejectedError(f"OpenAI refused the API key; {SET_THE_KEY}") from None
    except openai.NotFoundError as error:
        raise OpenAINotFoundError(_described(error)) from error
    except openai.RateLimitError as error:
        out_of_credit = error.code == "insufficient_quota"
        kind = OpenAIRejectedError if out_of_credit else OpenAIUnavailableError
        raise kind(_described(error)) from error
    except openai.APIStatusError as error:
        passing = error.status_code in (408, 409) or error.status_code >= 500
        kind = OpenAIUnavailableError if passing else OpenAIRejectedError
        raise kind(_described(error)) from error
    except openai.OpenAIError as error:
        # No connection, or a time-out.
        raise OpenAIUnavailableError(f"{type(error).__name__}: {error}") from error
    except httpx2.HTTPError as error:
        # The SDK translates what goes wrong until a body begins, and no more.
        raise OpenAIUnavailableError(f"the answer broke off: {error}") from error
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        # A body that breaks off, or that is not what the API documents: the SDK checks no field,
        # and we check those that we take.
        said = excerpt(f"{type(error).__name__}: {error}")
        raise OpenAIUnavailableError(f"the answer cannot be read: {said}") from error


def _described(error: openai.APIStatusError) -> str:
    said = f"{error.status_code} {error.code or ''} {error.message}"
    return f"{excerpt(said)} ({error.request_id})"
