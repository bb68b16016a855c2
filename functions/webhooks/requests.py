"""What comes in: a function URL's event, and OpenAI's event in it."""

import base64

from pydantic import Field

from functions.errors import InvalidMessageError
from functions.messages import Message, OpenAIId, WholeText
from functions.webhooks.refusals import Refusal, RefusedError

# OpenAI's events are of some 200 bytes.
MOST_BODY_BYTES = 64 * 1024


class _Http(Message):
    method: str


class _RequestContext(Message):
    http: _Http


class WebRequest(Message):
    """What a function URL hands over, in payload format 2.0, as far as it is read.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """

    request_context: _RequestContext
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    is_base64_encoded: bool = False

    def posted(self) -> str:
        """The body as it was sent; RefusedError if it is too large, no text, or not posted."""
        if self.request_context.http.method != "POST":
            raise RefusedError(Refusal.NO_POST)
        body = self.body or ""
        # Four characters of base64 are three bytes; a character of text is at least one.
        if len(body) > MOST_BODY_BYTES * 4 // 3 + 4:
            raise RefusedError(Refusal.TOO_LARGE)
        try:
            content = base64.b64decode(body) if self.is_base64_encoded else body.encode()
            text = content.decode()
        except ValueError:
            raise RefusedError(Refusal.MALFORMED) from None
        if len(content) > MOST_BODY_BYTES:
            raise RefusedError(Refusal.TOO_LARGE)
        return text


class _Batch(Message):
    id: OpenAIId


class _Event(Message):
    type: WholeText


class _BatchEvent(_Event):
    data: _Batch


# https://developers.openai.com/api/docs/guides/webhooks
ENDS = frozenset({"batch.completed", "batch.failed", "batch.expired", "batch.cancelled"})


def ended_job(body: str) -> str | None:
    """The batch job whose end this event tells of; None for an event of another kind.

    RefusedError if it is no event of OpenAI's.
    """
    try:
        if _Event.parse_json(body).type not in ENDS:
            return None
        return _BatchEvent.parse_json(body).data.id
    except InvalidMessageError:
        raise RefusedError(Refusal.MALFORMED) from None
