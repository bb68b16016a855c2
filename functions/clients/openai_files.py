"""The edge of OpenAI's files, for whoever looks after all of them.

https://developers.openai.com/api/reference/resources/files
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from openai import omit
from pydantic import Field, StrictInt
from pydantic.dataclasses import dataclass

from functions.clients.openai_connection import OpenAIConnection
from functions.errors import OpenAINotFoundError, OpenAIUnavailableError
from functions.messages import OpenAIId

# The most that OpenAI lists at once.
_PAGE = 10_000


@dataclass(frozen=True, kw_only=True)
class ListedFile:
    """A file at OpenAI; ``created_at`` in Unix seconds."""

    id: OpenAIId
    name: str
    created_at: Annotated[StrictInt, Field(gt=0, le=10**11)]


@dataclass(frozen=True, kw_only=True)
class FilePage:
    """Files in the order of their creation, and whether others come after them."""

    files: Sequence[ListedFile]
    has_more: bool


class DocumentFiles(OpenAIConnection):
    """The project's files for file search, whoever uploaded them.

    Errors: OpenAIUnavailableError, OpenAIRejectedError, OpenAINotFoundError.
    """

    def listed_after(self, file_id: str | None) -> FilePage:
        """At most 10,000 files, the oldest that come after ``file_id``, or of all.

        OpenAIRejectedError if the file of that id is not there any more.
        """

        def ask() -> FilePage:
            listed = self._client.files.list(
                purpose="assistants", order="asc", limit=_PAGE, after=file_id or omit
            )
            files = [
                ListedFile(id=file.id, name=file.filename or "", created_at=file.created_at)
                for file in listed.data
            ]
            if listed.has_more is None:
                raise OpenAIUnavailableError("a list of files does not say whether it goes on")
            if (listed.has_more and not files) or any(file.id == file_id for file in files):
                raise OpenAIUnavailableError(f"the list of files does not go on after {file_id}")
            return FilePage(files=files, has_more=listed.has_more)

        return self._call("files.list", ask)

    def can_be_searched(self, file_id: str, vector_store_id: str) -> bool:
        """Whether the store has the file and has indexed it."""

        def ask() -> bool:
            file = self._client.vector_stores.files.retrieve(
                file_id, vector_store_id=vector_store_id
            )
            if file.id != file_id:
                raise OpenAIUnavailableError(f"asked for {file_id}, got {file.id}")
            return file.status == "completed"

        try:
            return self._call("vector_stores.files.retrieve", ask)
        except OpenAINotFoundError:
            return False

    def delete(self, file_id: str) -> None:
        """Delete a file, which takes it out of every vector store; one that has gone is gone."""

        def ask() -> None:
            if self._client.files.delete(file_id).deleted is not True:
                raise OpenAIUnavailableError(f"OpenAI does not say that {file_id} is deleted")

        with suppress(OpenAINotFoundError):
            self._call("files.delete", ask)
