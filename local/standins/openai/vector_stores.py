"""Vector stores: https://platform.openai.com/docs/api-reference/vector-stores."""

from collections.abc import Mapping, Sequence
from typing import Any

from openai.types import VectorStoreDeleted
from openai.types.vector_store import ExpiresAfter
from openai.types.vector_store_create_params import VectorStoreCreateParams
from openai.types.vector_store_update_params import VectorStoreUpdateParams

from local.standins.openai import checks
from local.standins.openai.documents import refusal
from local.standins.openai.pages import Page, cut, page
from local.standins.openai.records import SECONDS_A_DAY, Store, new_id
from local.standins.openai.requests import ApiRequest
from local.standins.openai.routes import Reply, Route
from local.standins.openai.state import State

MAX_FILES_AT_CREATION = 500
_PATH = "/vector_stores/<vector_store_id>"


class VectorStores:
    """Making, changing, finding and deleting stores."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> Sequence[Route]:
        """Its operations."""
        return (
            Route("vector_stores.create", "POST", "/vector_stores", self.create),
            Route("vector_stores.list", "GET", "/vector_stores", self.list),
            Route("vector_stores.retrieve", "GET", _PATH, self.retrieve),
            Route("vector_stores.update", "POST", _PATH, self.update),
            Route("vector_stores.delete", "DELETE", _PATH, self.delete),
        )

    def create(self, request: ApiRequest) -> Reply:
        """Make a store, with files in it if asked. Two of one name are two stores."""
        body = request.body
        checks.known_only(body, VectorStoreCreateParams.__annotations__)
        file_ids = checks.array(body.get("file_ids") or [], "file_ids", MAX_FILES_AT_CREATION, 0)
        chunking = checks.chunking_strategy(body.get("chunking_strategy"))
        files = [self._state.file(checks.text(item, "file_ids"), "file_ids") for item in file_ids]
        now = self._state.now()
        store = Store(
            id=new_id("vs_"),
            name=checks.text(body.get("name") or "", "name"),
            created_at=now,
            last_active_at=now,
            metadata=checks.metadata(body.get("metadata")),
        )
        _keep_expiry(store, body)
        attached = [self._state.attach(store, file, {}, chunking) for file in files]
        self._state.stores[store.id] = store
        answer = store.to_wire(now)
        for attachment in attached:
            attachment.settle(refusal(attachment.file))
        return answer

    def list(self, request: ApiRequest) -> Page:
        """The stores, expired ones too."""
        shown, has_more = cut(list(self._state.stores.values()), request.query)
        now = self._state.now()
        return page(
            [store.to_wire(now) for store in shown],
            [store.id for store in shown],
            has_more=has_more,
        )

    def retrieve(self, request: ApiRequest) -> Reply:
        """One store."""
        return self._state.store(request.ids["vector_store_id"]).to_wire(self._state.now())

    def update(self, request: ApiRequest) -> Reply:
        """Change a store's name, expiry or metadata."""
        store, body = self._state.live_store(request.ids["vector_store_id"]), request.body
        checks.known_only(body, VectorStoreUpdateParams.__annotations__)
        if body.get("name") is not None:
            store.name = checks.text(body["name"], "name")
        if "metadata" in body:
            store.metadata = checks.metadata(body["metadata"])
        if "expires_after" in body:
            _keep_expiry(store, body)
        return store.to_wire(self._state.now())

    def delete(self, request: ApiRequest) -> Reply:
        """Delete a store; its files stay."""
        store = self._state.store(request.ids["vector_store_id"])
        self._state.delete_store(store.id)
        return VectorStoreDeleted(id=store.id, object="vector_store.deleted", deleted=True)


def _keep_expiry(store: Store, body: Mapping[str, Any]) -> None:
    value = checks.mapping(body.get("expires_after"), "expires_after")
    store.expires_after = store.expires_at = None
    if not value:
        return
    checks.one_of(value.get("anchor"), ("last_active_at",), "expires_after.anchor")
    days = checks.integer(value.get("days"), "expires_after.days", 1, 365)
    store.expires_after = ExpiresAfter(anchor="last_active_at", days=days)
    store.expires_at = store.last_active_at + days * SECONDS_A_DAY
