"""The edge of OpenAI's Batch API: files of requests, jobs, and files of answers.

https://developers.openai.com/api/reference/resources/batches
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Annotated, BinaryIO

from openai import Omit, omit
from pydantic import Field
from pydantic.dataclasses import dataclass  # the SDK checks no field of an answer

from functions.clients import calls
from functions.clients.openai_connection import OpenAIConnection, id_of
from functions.clients.openai_errors import translated
from functions.errors import OpenAIRejectedError, OpenAIUnavailableError
from functions.excerpts import excerpt
from functions.messages import OpenAIId, WholeText

if TYPE_CHECKING:
    from openai.types import Batch, BatchUsage

_PAGE = 100
_BLOCK = 1 << 20
# DynamoDB takes no number of any size.
_Number = Annotated[int, Field(ge=-(10**15), le=10**15)]


@dataclass(frozen=True, kw_only=True)
class JobError:
    """Why a job failed; ``line`` counts the lines of its input file from 1."""

    code: WholeText
    message: WholeText
    line: _Number | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A Batch API job; ``status`` is OpenAI's own word, times are Unix seconds."""

    id: OpenAIId
    status: WholeText
    created_at: _Number
    input_file_id: OpenAIId | None = None
    output_file_id: OpenAIId | None = None
    error_file_id: OpenAIId | None = None
    errors: tuple[JobError, ...] = ()
    metadata: Mapping[WholeText, WholeText] = field(default_factory=dict)
    input_tokens: _Number = 0
    output_tokens: _Number = 0
    cached_tokens: _Number = 0
    """Of the input."""


class BatchJobs(OpenAIConnection):
    """What the label-completion flow asks of OpenAI.

    Errors: OpenAIUnavailableError, OpenAIRejectedError, OpenAINotFoundError.
    """

    def upload(self, name: str, requests: BinaryIO, *, expires_after_seconds: int) -> str:
        """Upload a file of requests (JSON lines, at most 200 MB); its file id.

        It deletes itself after 3,600 to 2,592,000 seconds.
        """

        def send() -> str:
            requests.seek(0)
            return id_of(
                self._client.files.create(
                    file=(name, requests, "application/jsonl"),
                    purpose="batch",
                    expires_after={"anchor": "created_at", "seconds": expires_after_seconds},
                )
            )

        return self._call("files.create", send)

    def create(self, input_file_id: str, *, metadata: Mapping[str, str]) -> Job:
        """Start a job. Never tried twice here: the second try would be a second, paid job."""
        once = self._client.with_options(max_retries=0).batches
        return self._call(
            "batches.create",
            lambda: _job(
                once.create(
                    input_file_id=input_file_id,
                    endpoint="/v1/responses",
                    completion_window="24h",
                    metadata=dict(metadata),
                )
            ),
        )

    def job(self, job_id: str) -> Job:
        """How a job stands."""
        job = self._call("batches.retrieve", lambda: _job(self._client.batches.retrieve(job_id)))
        if job.id != job_id:
            raise OpenAIUnavailableError(f"asked for batch {job_id}, got {job.id}")
        return job

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled, which takes up to ten minutes; too late is no error."""
        try:
            self._call("batches.cancel", lambda: self._client.batches.cancel(job_id))
        except (OpenAIRejectedError, OpenAIUnavailableError):
            # A job that has ended, or is being cancelled already, answers 409 or 400.
            if self.job(job_id).status in ("validating", "in_progress"):
                raise

    def created_since(self, oldest: float) -> Iterator[Job]:
        """The project's jobs that were created at ``oldest`` (Unix seconds) or later, newest first.

        There is no filter, so other programs' jobs are among them.
        """
        after: str | Omit = omit
        seen = set[str]()
        while True:
            page = self._call("batches.list", partial(self._page, after))
            for job in page:
                if job.created_at < oldest:
                    return
                yield job
            if len(page) < _PAGE:
                return
            after = page[-1].id
            if after in seen:
                raise OpenAIUnavailableError(f"the list of batches comes to {after} once more")
            seen.add(after)

    @contextmanager
    def content(self, file_id: str) -> Iterator[Iterator[bytes]]:
        """A file's bytes, as they arrive, in blocks of at most a megabyte."""
        opened = self._call(
            "files.content",
            lambda: self._client.files.with_streaming_response.content(file_id).__enter__(),
        )
        try:
            yield _blocks(opened.iter_bytes(_BLOCK))
        finally:
            opened.close()

    def _page(self, after: str | Omit) -> list[Job]:
        return [_job(job) for job in self._client.batches.list(limit=_PAGE, after=after).data]


def _job(batch: "Batch") -> Job:
    if batch.object != "batch":
        raise OpenAIUnavailableError(f"asked for a batch, got a {batch.object}")
    if not batch.created_at:  # the SDK puts None for a field that did not come
        raise OpenAIUnavailableError(f"batch {batch.id} has no created_at")
    found = batch.errors.data if batch.errors and batch.errors.data else []
    usage = batch.usage
    return Job(
        id=id_of(batch),
        status=batch.status,
        created_at=batch.created_at,
        # Some that speak OpenAI's API have an empty text for none.
        input_file_id=batch.input_file_id or None,
        output_file_id=batch.output_file_id or None,
        error_file_id=batch.error_file_id or None,
        errors=tuple(
            # Half a character must not keep a job from being seen.
            JobError(code=excerpt(e.code or ""), message=excerpt(e.message or ""), line=e.line)
            for e in found
        ),
        metadata=batch.metadata or {},
        input_tokens=usage.input_tokens if usage else 0,
        output_tokens=usage.output_tokens if usage else 0,
        cached_tokens=_cached_tokens(usage),
    )


def _cached_tokens(usage: "BatchUsage | None") -> int:
    """Not every server that speaks OpenAI's API says; a job is no worse for it."""
    cached = getattr(getattr(usage, "input_tokens_details", None), "cached_tokens", None)
    return cached if type(cached) is int and 0 <= cached <= 10**15 else 0


def _blocks(received: Iterator[bytes]) -> Iterator[bytes]:
    with translated():
        while block := calls.call("openai.files.content.body", lambda: next(received, b"")):
            yield block
