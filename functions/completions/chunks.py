"""The chunks that a finished job is cut into: what ``collect`` writes and ``apply`` reads.

A chunk is two objects of JSON lines. One has lines of the job's output and error files as they
came; the other, an entry for each of those lines, and for each request that no line answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from functions.completions.identifiers import LabelId
from functions.completions.targets import Request
from functions.errors import InvalidItemError


def chunks_key(batch_id: str) -> str:
    """Where the list of a batch's chunks is: what the Distributed Map reads."""
    return f"batches/{batch_id}/chunks.json"


def lines_key(batch_id: str, chunk: str) -> str:
    """Where the raw lines of a chunk are."""
    return f"batches/{batch_id}/chunks/{chunk}.jsonl"


def entries_key(batch_id: str, chunk: str) -> str:
    """Where the entries of a chunk are."""
    return f"batches/{batch_id}/chunks/{chunk}.entries.jsonl"


def entry_line(
    request: bytes | None,
    *,
    line: int | None,
    reason: str | None = None,
    counts_attempt: bool = True,
    needs_review: bool = False,
) -> bytes:
    """The line of an ``Entry``, with its end; ``request`` is a line of the targets object.

    What is in that line already is taken over as it is: there may be 50,000 of them.
    """
    known = {
        "line": line,
        "reason": reason,
        "countsAttempt": counts_attempt,
        "needsReview": needs_review,
    }
    return (request or _NO_REQUEST).rstrip()[:-1] + b"," + to_json(known)[1:] + b"\n"


_NO_REQUEST = b'{"customId":null,"targets":[]}'


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, alias_generator=to_camel)

    custom_id: str | None
    line: Annotated[int, Field(ge=0, lt=10**9)] | None
    reason: str | None
    counts_attempt: bool
    needs_review: bool


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line with the request that it answers; or one of the two alone, with the reason."""

    request: Request | None
    line: int | None
    """Its place among the raw lines of the chunk, from 0."""
    reason: str | None = None
    counts_attempt: bool = True
    """Whether the request, which no line answers, was asked in vain."""
    needs_review: bool = False
    """Whether the request, which no line answers, would be refused again."""

    @property
    def targets(self) -> Sequence[LabelId]:
        """What is asked about."""
        return self.request.targets if self.request else ()

    @classmethod
    def from_line(cls, text: bytes | str) -> Self:
        """A line of the entries' object: our own, so nothing is forgiven. InvalidItemError."""
        try:
            found = _Line.model_validate_json(text)
        except ValidationError:
            raise InvalidItemError("an entry of a chunk cannot be read") from None
        return cls(
            request=Request.from_line(text) if found.custom_id is not None else None,
            line=found.line,
            reason=found.reason,
            counts_attempt=found.counts_attempt,
            needs_review=found.needs_review,
        )
