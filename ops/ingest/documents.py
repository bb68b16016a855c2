"""Documents that are asked for: every one checked before any is sent, and each once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from functions.ingest.ledger import request_key
from functions.messages import DownloadRequest
from ops.ingest.records import Problem, Record, records

# SQS refuses a body with one of these two characters; JSON escapes what else it does not take:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_ESCAPED = str.maketrans({"\ufffe": "\\ufffe", "\uffff": "\\uffff"})


@dataclass(frozen=True)
class Document:
    """A document to be sent, and where it was found."""

    where: str
    request: DownloadRequest

    @cached_property
    def key(self) -> str:
        """Its key in the ledger."""
        return request_key(self.request)

    @cached_property
    def body(self) -> str:
        """The message that asks for it."""
        return json.dumps(self.request.to_wire(), ensure_ascii=False).translate(_ESCAPED)

    @cached_property
    def size(self) -> int:
        """The message's, in bytes."""
        return len(self.body.encode())


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A record that asks for the same as one before it."""

    where: str
    same_as: str


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What was found: to be sent only if there are no problems."""

    documents: list[Document] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def gather(sources: Sequence[str], defaults: Mapping[str, Any], *, most_bytes: int) -> Gathered:
    """The documents of files and URLs; what a record does not say, ``defaults`` say. OpsError.

    ``most_bytes`` is the largest message that the queue takes.
    """
    gathered = Gathered()
    first: dict[str, str] = {}
    for argument, source in enumerate(sources, 1):
        for found in records(source, argument):
            checked = _checked(found, defaults, most_bytes)
            if not isinstance(checked, Document):
                gathered.problems.extend(checked)
            elif checked.key in first:
                duplicate = Duplicate(where=checked.where, same_as=first[checked.key])
                gathered.duplicates.append(duplicate)
            else:
                first[checked.key] = checked.where
                gathered.documents.append(checked)
    return gathered


def _checked(
    found: Record | Problem, defaults: Mapping[str, Any], most_bytes: int
) -> Document | list[Problem]:
    if isinstance(found, Problem):
        return [found]
    value = {**defaults, **found.value}
    try:
        document = Document(found.where, DownloadRequest.model_validate(value))
    except ValidationError as error:
        return _problems(found.where, value, error)
    if document.size > most_bytes:
        reason = f"is a message of {document.size:,} bytes, and the queue takes {most_bytes:,}"
        return [Problem(where=found.where, reason=reason)]
    return document


def _problems(where: str, value: Mapping[str, Any], error: ValidationError) -> list[Problem]:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        Problem(where=where, field=".".join(map(str, detail["loc"])), reason=detail["msg"])
        for detail in details
        # Where it is not given it is the domain, which has its own complaint.
        if detail["loc"] != ("customerDomain",) or "customerDomain" in value
    ]
