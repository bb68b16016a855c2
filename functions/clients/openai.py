"""The edge of OpenAI: files, vector stores, file batches and answers.

Limits and shapes: https://developers.openai.com/api/reference
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from openai import Omit, omit
from openai.types.responses import Response
from openai.types.vector_store_create_params import ExpiresAfter
from pydantic import BaseModel, ValidationError

from functions.clients.openai_connection import OpenAIConnection, id_of
from functions.errors import OpenAINotFoundError, OpenAIUnavailableError, UnusableAnswerError

Answer = TypeVar("Answer", bound=BaseModel)


# The live API has answered with both spellings.
_FILE_BATCH_OBJECTS = frozenset({"vector_store.files_batch", "vector_store.file_batch"})


@dataclass(frozen=True, kw_only=True)
class BatchFile:
    """A file to be attached, with its attributes (at most 16; text of at most 512 characters)."""

    file_id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class FileBatch:
    """How a file batch stands; ``status`` is OpenAI's own word."""

    status: str
    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


@dataclass(frozen=True, kw_only=True)
class FailedFile:
    """A file that its batch could not index, and why."""

    file_id: str
    code: str
    message: str
    attributes: Mapping[str, str | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A file that ``file_search`` found."""

    file_id: str
    filename: str
    url: str


class OpenAIService(OpenAIConnection):
    """What the flows ask of OpenAI.

    Errors: OpenAIUnavailableError, OpenAIRejectedError, OpenAINotFoundError, UnusableAnswerError.
    """

    def upload_file(self, name: str, body: bytes, media_type: str) -> str:
        """Upload a document for file search; its file id."""
        return self._call(
            "files.create",
            lambda: id_of(
                self._client.files.create(file=(name, body, media_type), purpose="assistants")
            ),
        )

    def file_exists(self, file_id: str) -> bool:
        """Whether OpenAI still has the file."""
        try:
            self._call("files.retrieve", lambda: id_of(self._client.files.retrieve(file_id)))
        except OpenAINotFoundError:
            return False
        return True

    def find_vector_store(self, name: str) -> str | None:
        """The id of the oldest store of that name that has not expired, on whatever page."""

        def oldest() -> str | None:
            pages = self._client.vector_stores.list(limit=100, order="asc")
            return next((s.id for s in pages if s.name == name and s.status != "expired"), None)

        return self._call("vector_stores.list", oldest)

    def create_vector_store(self, name: str, *, expires_after_days: int | None) -> str:
        """Create a store; its id. Never tried twice here: a second try could make a second one."""
        once = self._client.with_options(max_retries=0).vector_stores
        expiry: ExpiresAfter | Omit = (
            {"anchor": "last_active_at", "days": expires_after_days} if expires_after_days else omit
        )
        return self._call(
            "vector_stores.create", lambda: id_of(once.create(name=name, expires_after=expiry))
        )

    def vector_store_is_usable(self, vector_store_id: str) -> bool:
        """Whether the store is there and has not expired."""

        def ask() -> bool:
            store = self._client.vector_stores.retrieve(vector_store_id)
            if store.id != vector_store_id:
                raise OpenAIUnavailableError(f"asked for {vector_store_id}, got {store.id}")
            return store.status != "expired"

        try:
            return self._call("vector_stores.retrieve", ask)
        except OpenAINotFoundError:
            return False

    def create_file_batch(self, vector_store_id: str, files: Sequence[BatchFile]) -> str:
        """Attach at most 2,000 files; the batch's id. Attaching a file again changes nothing."""
        return self._call(
            "vector_stores.file_batches.create",
            lambda: id_of(
                self._client.vector_stores.file_batches.create(
                    vector_store_id,
                    files=[{"file_id": f.file_id, "attributes": dict(f.attributes)} for f in files],
                )
            ),
        )

    def file_batch(self, vector_store_id: str, batch_id: str) -> FileBatch:
        """How the batch stands."""

        def ask() -> FileBatch:
            batch = self._client.vector_stores.file_batches.retrieve(
                batch_id, vector_store_id=vector_store_id
            )
            # https://github.com/openai/openai-python/issues/2724: the vector store came instead.
            if batch.object not in _FILE_BATCH_OBJECTS or batch.id != batch_id:
                raise OpenAIUnavailableError(
                    f"asked for file batch {batch_id}, got a {batch.object} with id {batch.id}"
                )
            counts = batch.file_counts
            return FileBatch(
                status=batch.status,
                in_progress=counts.in_progress,
                completed=counts.completed,
                failed=counts.failed,
                cancelled=counts.cancelled,
                total=counts.total,
            )

        return self._call("vector_stores.file_batches.retrieve", ask)

    def failed_files(self, vector_store_id: str, batch_id: str) -> list[FailedFile]:
        """The files that the batch could not index."""

        def every_page() -> list[FailedFile]:
            pages = self._client.vector_stores.file_batches.list_files(
                batch_id, vector_store_id=vector_store_id, filter="failed", limit=100
            )
            return [
                FailedFile(
                    file_id=file.id,
                    code=file.last_error.code if file.last_error else "unknown",
                    message=file.last_error.message if file.last_error else "no reason given",
                    attributes=file.attributes or {},
                )
                for file in pages
            ]

        return self._call("vector_stores.file_batches.list_files", every_page)

    def write(self, *, model: str, instructions: str, material: str) -> str:
        """A model's text. UnusableAnswerError if it refused, was cut off or said nothing."""

        def ask() -> str:
            response = self._client.responses.create(
                model=model, instructions=instructions, input=material
            )
            _check_complete(response)
            return response.output_text

        text = self._call("responses.create", ask)
        if not text.strip():
            raise UnusableAnswerError(f"{model} said nothing")
        return text

    def research(
        self,
        answer: type[Answer],
        *,
        model: str,
        instructions: str,
        material: str,
        vector_store_id: str | None,
    ) -> tuple[Answer, list[Hit]]:
        """A model's structured answer, and the files that its search of the store found.

        UnusableAnswerError if it refused, was cut off or broke the answer's model.
        """

        def ask() -> tuple[Answer | None, Response]:
            if vector_store_id is None:
                response = self._client.responses.parse(
                    model=model, instructions=instructions, input=material, text_format=answer
                )
            else:
                response = self._client.responses.parse(
                    model=model,
                    instructions=instructions,
                    input=material,
                    text_format=answer,
                    tools=[{"type": "file_search", "vector_store_ids": [vector_store_id]}],
                    include=["file_search_call.results"],
                )
            return response.output_parsed, response

        try:
            parsed, response = self._call("responses.create", ask)
        except ValidationError as error:
            raise UnusableAnswerError(f"the answer is no {answer.__name__}: {error}") from error
        _check_complete(response)
        if parsed is None:
            raise UnusableAnswerError(f"{model} gave no {answer.__name__}")
        return parsed, _hits(response)


def _check_complete(response: Response) -> None:
    for item in response.output:
        for content in item.content if item.type == "message" else ():
            if content.type == "refusal":
                raise UnusableAnswerError(f"{response.model} refused: {content.refusal}")
    if response.status != "completed":
        why = response.incomplete_details.reason if response.incomplete_details else response.error
        raise UnusableAnswerError(f"{response.model} ended {response.status}: {why}")


def _hits(response: Response) -> list[Hit]:
    return [
        Hit(
            file_id=result.file_id or "",
            filename=result.filename or "",
            url=str((result.attributes or {}).get("url", "")),
        )
        for item in response.output
        if item.type == "file_search_call"
        for result in item.results or ()
    ]
