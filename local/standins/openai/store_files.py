"""The files of a vector store: https://platform.openai.com/docs/api-reference/vector-stores-files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from openai.types.vector_stores import VectorStoreFileDeleted
from openai.types.vector_stores.file_create_params import FileCreateParams

from local.standins.openai import checks
from local.standins.openai.documents import refusal
from local.standins.openai.errors import not_found
from local.standins.openai.pages import Page, cut, page
from local.standins.openai.records import Attachment, Status
from local.standins.openai.requests import ApiRequest
from local.standins.openai.routes import Reply, Route
from local.standins.openai.state import State

_PATH = "/vector_stores/<vector_store_id>/files"


class StoreFiles:
    """Attaching single files, and finding and removing what is attached."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> Sequence[Route]:
        """Its operations."""
        one = f"{_PATH}/<file_id>"
        return (
            Route("vector_stores.files.create", "POST", _PATH, self.create),
            Route("vector_stores.files.list", "GET", _PATH, self.list),
            Route("vector_stores.files.retrieve", "GET", one, self.retrieve),
            Route("vector_stores.files.delete", "DELETE", one, self.delete),
        )

    def create(self, request: ApiRequest) -> Reply:
        """Attach a file. The answer says ``in_progress``; it is indexed right after."""
        body = request.body
        checks.known_only(body, FileCreateParams.__annotations__)
        if "file_id" not in body:
            raise checks.missing("file_id")
        attributes = checks.attributes(body.get("attributes"))
        chunking = checks.chunking_strategy(body.get("chunking_strategy"))
        store = self._state.live_store(request.ids["vector_store_id"])
        file = self._state.file(checks.text(body["file_id"], "file_id"), "file_id")
        attachment = self._state.attach(store, file, attributes, chunking)
        answer = attachment.to_wire()
        attachment.settle(refusal(file))
        return answer

    def list(self, request: ApiRequest) -> Page:
        """The attached files, of one status if asked."""
        store = self._state.store(request.ids["vector_store_id"])
        return attachments_page(store.attachments.values(), request.query)

    def retrieve(self, request: ApiRequest) -> Reply:
        """One attached file."""
        return self._attachment(request).to_wire()

    def delete(self, request: ApiRequest) -> Reply:
        """Take a file out of the store; the file itself stays."""
        attachment = self._attachment(request)
        del self._state.store(attachment.store_id).attachments[attachment.id]
        return VectorStoreFileDeleted(
            id=attachment.id, object="vector_store.file.deleted", deleted=True
        )

    def _attachment(self, request: ApiRequest) -> Attachment:
        store, file_id = self._state.store(request.ids["vector_store_id"]), request.ids["file_id"]
        if file_id not in store.attachments:
            message = f"No file found with id '{file_id}' in vector store '{store.id}'."
            raise not_found(message, "file_id")
        return store.attachments[file_id]


def attachments_page(attachments: Iterable[Attachment], query: Mapping[str, str]) -> Page:
    """The page of attachments that ``filter`` and the cursors ask for."""
    status = query.get("filter")
    if status is not None:
        checks.one_of(status, get_args(Status), "filter")
    wanted = [item for item in attachments if status in (None, item.status)]
    shown, has_more = cut(wanted, query)
    return page([item.to_wire() for item in shown], [item.id for item in shown], has_more=has_more)
