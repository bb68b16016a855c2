"""The edge of OpenAI: files, vector stores, file batches and answers.

Limits and shapes: https://developers.openai.com/api/reference
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, TypeVar

from openai import Omit, omit
from pydantic import BaseModel, Field, ValidationError
from pydantic.dataclasses import dataclass  # the SDK checks no field of an answer

from functions.clients.openai_connection import Identified, OpenAIConnection, id_of
from functions.clients.openai_usage import count_usage
from functions.errors import OpenAINotFoundError, OpenAIUnavailableError, UnusableAnswerError
from functions.excerpts import excerpt
from functions.messages import OpenAIId, WholeText

if TYPE_CHECKING:  # as they would load every type of a response that there is
    from openai.types.responses import ParsedResponse, Response
    from openai.types.vector_store_create_params import ExpiresAfter
    from openai.types.vector_stores import VectorStoreFile

Answer = TypeVar("Answer", bound=BaseModel)
Listed = TypeVar("Listed", bound=Identified)
_Number = Annotated[int, Field(ge=0, le=10**9)]

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

    status: WholeText
    in_progress: _Number
    completed: _Number
    failed: _Number
    cancelled: _Number
    total: _Number


@dataclass(frozen=True, kw_only=True)
class FailedFile:
    """A file that its batch could not index, and why."""

    file_id: OpenAIId
    code: WholeText
    message: WholeText
    attributes: Mapping[WholeText, WholeText | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Store:
    id: OpenAIId
    status: WholeText


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A file that ``file_search`` found."""

    file_id: WholeText
    filename: WholeText
    url: WholeText


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
            stores = _each_once(self._client.vector_stores.list(limit=100, order="asc"))
            named = (_Store(id=s.id, status=s.status) for s in stores if s.name == name)
            return next((store.id for store in named if store.status != "expired"), None)

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
            found = self._client.vector_stores.retrieve(vector_store_id)
            store = _Store(id=found.id, status=found.status)
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
            return [_failed_file(file) for file in _each_once(pages)]

        return self._call("vector_stores.file_batches.list_files", every_page)

    def write(self, *, model: str, instructions: str, material: str) -> str:
        """A model's text. UnusableAnswerError if it refused, was cut off or said nothing."""

        def ask() -> str:
            response = self._client.responses.create(
                model=model, instructions=instructions, input=material
            )
            count_usage(model, response)
            _check_complete(response)
            return response.output_text

        text = self._call("responses.create", ask)
        if not text.strip():
            raise UnusableAnswerError(f"{model} said nothing")
        if text != excerpt(text, len(text)):
            raise UnusableAnswerError(f"{model} said half a character, which no file can hold")
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

        def ask() -> tuple[Answer, list[Hit]]:
            response = self._parsed(answer, model, instructions, material, vector_store_id)
            count_usage(model, response)
            _check_complete(response)
            if response.output_parsed is None:
                raise UnusableAnswerError(f"{model} gave no {answer.__name__}")
            return response.output_parsed, _hits(response)

        return self._call("responses.create", ask)

    def _parsed(
        self,
        answer: type[Answer],
        model: str,
        instructions: str,
        material: str,
        vector_store_id: str | None,
    ) -> "ParsedResponse[Answer]":
        try:
            if vector_store_id is None:
                return self._client.responses.parse(
                    model=model, instructions=instructions, input=material, text_format=answer
                )
            return self._client.responses.parse(
                model=model,
                instructions=instructions,
                input=material,
                text_format=answer,
                tools=[{"type": "file_search", "vector_store_ids": [vector_store_id]}],
                include=["file_search_call.results"],
            )
        except ValidationError as error:
            said = excerpt(f"the answer is no {answer.__name__}: {error}")
            raise UnusableAnswerError(said) from error


def _each_once(pages: Iterable[Listed]) -> Iterator[Listed]:
    """What is listed, page after page; a list that never ends is no answer."""
    seen = set[str]()
    for listed in pages:
        if (id_ := id_of(listed)) in seen:
            raise OpenAIUnavailableError(f"the list comes to {id_} once more")
        seen.add(id_)
        yield listed


def _failed_file(file: "VectorStoreFile") -> FailedFile:
    error = file.last_error
    return FailedFile(
        file_id=file.id,
        code=error.code if error else "unknown",
        message=excerpt(error.message) if error else "no reason given",
        attributes=file.attributes or {},
    )


def _check_complete(response: "Response") -> None:
    for item in response.output:
        for content in item.content if item.type == "message" else ():
            if content.type == "refusal":
                said = excerpt(f"{response.model} refused: {content.refusal}")
                raise UnusableAnswerError(said)
    if response.status != "completed":
        why = response.incomplete_details.reason if response.incomplete_details else response.error
        raise UnusableAnswerError(excerpt(f"{response.model} ended {response.status}: {why}"))


def _hits(response: "Response") -> list[Hit]:
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
