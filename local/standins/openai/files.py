"""Files: https://platform.openai.com/docs/api-reference/files."""

from collections.abc import Sequence
from typing import cast, get_args

from openai.types import FileDeleted

from local.standins.openai import checks
from local.standins.openai.errors import invalid
from local.standins.openai.pages import Page, cut, page
from local.standins.openai.records import SECONDS_A_DAY, StoredFile, UploadPurpose, new_id
from local.standins.openai.requests import ApiRequest
from local.standins.openai.routes import Reply, Route
from local.standins.openai.state import State

MAX_BYTES = 512 * 1024 * 1024
MAX_BATCH_BYTES = 200 * 1024 * 1024
MAX_LISTED = 10_000
# The live API hands out what it made and what a batch was made of, not what a store searches.
_NOT_DOWNLOADABLE = ("assistants", "user_data")
_FORM_FIELDS = ("file", "filename", "purpose", "expires_after[anchor]", "expires_after[seconds]")


class Files:
    """Uploading, finding and deleting files."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> Sequence[Route]:
        """Its operations."""
        return (
            Route("files.create", "POST", "/files", self.create),
            Route("files.list", "GET", "/files", self.list),
            Route("files.retrieve", "GET", "/files/<file_id>", self.retrieve),
            Route("files.content", "GET", "/files/<file_id>/content", self.content),
            Route("files.delete", "DELETE", "/files/<file_id>", self.delete),
        )

    def create(self, request: ApiRequest) -> Reply:
        """Keep an upload."""
        checks.known_only(request.body, _FORM_FIELDS)
        if request.upload is None:
            raise checks.missing("file")
        if "purpose" not in request.body:
            raise checks.missing("purpose")
        # The API also takes `evals`, which the SDK's FileObject has no word for.
        purpose = checks.one_of(request.body["purpose"], get_args(UploadPurpose), "purpose")
        limit = MAX_BATCH_BYTES if purpose == "batch" else MAX_BYTES
        if len(request.upload.content) > limit:
            raise invalid(f"File is too large: the limit is {limit} bytes.", "file")
        if purpose == "batch" and not request.upload.filename.endswith(".jsonl"):
            raise invalid("Invalid file format for Batch API. Must be .jsonl")
        created_at = self._state.now()
        file = StoredFile(
            id=new_id("file-", 22),
            filename=request.upload.filename,
            purpose=cast("UploadPurpose", purpose),
            content=request.upload.content,
            created_at=created_at,
            expires_at=_expires_at(request, purpose, created_at),
        )
        self._state.files[file.id] = file
        return file.to_wire()

    def list(self, request: ApiRequest) -> Page:
        """The files in the order of their creation, of one purpose if asked."""
        purpose = request.query.get("purpose")
        files = [file for file in self._state.files.values() if purpose in (None, file.purpose)]
        files.sort(key=lambda file: file.created_at)
        shown, has_more = cut(files, request.query, default=MAX_LISTED, ceiling=MAX_LISTED)
        return page(
            [file.to_wire() for file in shown], [file.id for file in shown], has_more=has_more
        )

    def retrieve(self, request: ApiRequest) -> Reply:
        """One file's description."""
        return self._state.file(request.ids["file_id"]).to_wire()

    def content(self, request: ApiRequest) -> Reply:
        """One file's bytes, if its purpose lets them out."""
        file = self._state.file(request.ids["file_id"])
        if file.purpose in _NOT_DOWNLOADABLE:
            raise invalid(f"Not allowed to download files of purpose: {file.purpose}")
        return file.content

    def delete(self, request: ApiRequest) -> Reply:
        """Delete a file, and take it out of every vector store."""
        file = self._state.file(request.ids["file_id"])
        self._state.delete_file(file.id)
        return FileDeleted(id=file.id, object="file", deleted=True)


def _expires_at(request: ApiRequest, purpose: str, created_at: int) -> int | None:
    seconds = request.body.get("expires_after[seconds]")
    if seconds is None:
        return created_at + 30 * SECONDS_A_DAY if purpose == "batch" else None
    anchor = request.body.get("expires_after[anchor]")
    checks.one_of(anchor, ("created_at",), "expires_after[anchor]")
    return created_at + checks.integer(seconds, "expires_after[seconds]", 3600, 30 * SECONDS_A_DAY)
