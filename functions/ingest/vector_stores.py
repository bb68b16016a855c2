"""A vector store's id by its name: one store a name, however many workers ask at once."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from boto3.dynamodb.conditions import Attr, ConditionBase
from pydantic import BaseModel, Field
from tenacity import (
    RetryError,
    Retrying,
    retry_if_result,
    stop_after_delay,
    wait_random_exponential,
)

from functions.clients.dynamodb import Table
from functions.clients.openai import OpenAIService
from functions.errors import LeaseHeldError
from functions.items import read_item
from functions.messages import OpenAIId

_WAIT_FOR_OTHERS_SECONDS = 15


class _Store(BaseModel):
    """An item: a store that is made, or that somebody is making until the lease ends."""

    vector_store_id: Annotated[OpenAIId | None, Field(alias="vectorStoreId")] = None
    lease_owner: Annotated[str, Field(alias="leaseOwner")]
    lease_until: Annotated[int, Field(alias="leaseUntil", ge=0, le=10**15)]


@dataclass(frozen=True, kw_only=True)
class VectorStores:
    """The ledger's part that maps a store's name to its id.

    ``lease_until`` (epoch seconds) is when this worker cannot be running any more: until then
    nobody else makes a store that it set out to make.
    """

    table: Table
    openai: OpenAIService
    owner: str
    lease_until: int
    clock: Callable[[], float]
    expires_after_days: int | None = None
    wait_seconds: float = _WAIT_FOR_OTHERS_SECONDS

    def resolve(self, name: str) -> str:
        """The id of the store, which is found or made if the ledger does not know it.

        LeaseHeldError if another worker is still making it, InvalidItemError if the ledger's item
        is broken.
        """
        known = self._known(name)
        if known is not None:
            return known
        # Of this attempt alone: the threads of an invocation may all want the store.
        lease_owner = f"{self.owner}-{uuid.uuid4().hex}"
        mine = Attr("leaseOwner").eq(lease_owner)
        try:
            if self._reserve(name, lease_owner):
                return self._find_or_create(name, mine)
            return self._wait_for_other(name)
        except BaseException:
            # It may be reserved though reserving it failed, if only the answer was lost.
            self.table.delete(_key(name), when=mine & Attr("vectorStoreId").not_exists())
            raise

    def forget(self, name: str, vector_store_id: str) -> None:
        """The store has gone: whoever resolves the name next makes it again."""
        self.table.delete(_key(name), when=Attr("vectorStoreId").eq(vector_store_id))

    def _known(self, name: str) -> str | None:
        """The id in the ledger; None while there is none."""
        item = self.table.get(_key(name))
        return read_item(_Store, item).vector_store_id if item else None

    def _reserve(self, name: str, lease_owner: str) -> bool:
        free = Attr("pk").not_exists() | (
            Attr("vectorStoreId").not_exists() & Attr("leaseUntil").lt(int(self.clock()))
        )
        lease = {"leaseOwner": lease_owner, "leaseUntil": self.lease_until}
        return self.table.put(_key(name) | lease, when=free)

    def _find_or_create(self, name: str, mine: ConditionBase) -> str:
        # A store may be there though the ledger does not know it: made by somebody else, or by a
        # worker that lost OpenAI's answer.
        vector_store_id = self.openai.find_vector_store(name) or self.openai.create_vector_store(
            name, expires_after_days=self.expires_after_days
        )
        if not self.table.update(_key(name), {"vectorStoreId": vector_store_id}, when=mine):
            raise LeaseHeldError(f"another worker took over the vector store {name}")
        return vector_store_id

    def _wait_for_other(self, name: str) -> str:
        asking = Retrying(
            retry=retry_if_result(lambda vector_store_id: vector_store_id is None),
            wait=wait_random_exponential(multiplier=0.1, max=1),
            stop=stop_after_delay(self.wait_seconds),
        )
        try:
            return str(asking(self._known, name))
        except RetryError:
            raise LeaseHeldError(f"another worker is making the vector store {name}") from None


def _key(name: str) -> dict[str, str]:
    return {"pk": f"STORE#{name}", "sk": "STORE"}
