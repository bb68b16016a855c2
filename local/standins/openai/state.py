"""Everything the stand-in holds, behind one lock, and how it is looked up."""

from collections.abc import Callable
from threading import RLock

from openai.types import StaticFileChunkingStrategy

from local.standins.openai import checks
from local.standins.openai.checks import Attributes
from local.standins.openai.errors import invalid, not_found
from local.standins.openai.jobs import Job
from local.standins.openai.records import Attachment, FileBatch, Store, StoredFile


class State:
    """Files, stores, file batches and batch jobs by id. Whoever touches it holds ``lock``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.lock = RLock()
        self.files: dict[str, StoredFile] = {}
        self.stores: dict[str, Store] = {}
        self.batches: dict[str, FileBatch] = {}
        self.jobs: dict[str, Job] = {}
        self._clock = clock

    def now(self) -> int:
        """Unix seconds."""
        return int(self._clock())

    def file(self, file_id: str, param: str = "id") -> StoredFile:
        """The file, or a 404 that blames ``param``."""
        if file_id not in self.files:
            raise not_found(f"No such File object: {file_id}", param)
        return self.files[file_id]

    def store(self, store_id: str) -> Store:
        """The store, expired or not; 404 if there is none."""
        checks.prefixed(store_id, "vs_", "vector_store_id")
        if store_id not in self.stores:
            raise not_found(f"No vector store found with id '{store_id}'.", "vector_store_id")
        return self.stores[store_id]

    def live_store(self, store_id: str) -> Store:
        """The store, now marked as used; 400 if it has expired."""
        store = self.store(store_id)
        if store.is_expired(self.now()):
            raise invalid(f"Vector store '{store_id}' has expired.", "vector_store_id")
        store.touch(self.now())
        return store

    def attach(
        self,
        store: Store,
        file: StoredFile,
        attributes: Attributes,
        chunking: StaticFileChunkingStrategy,
    ) -> Attachment:
        """Attach ``file``; what was attached of it before gives way."""
        attachment = Attachment(
            file=file,
            store_id=store.id,
            created_at=self.now(),
            attributes=attributes,
            chunking=chunking,
        )
        store.attachments.pop(file.id, None)
        store.attachments[file.id] = attachment
        return attachment

    def delete_file(self, file_id: str) -> None:
        """Forget a file, in every store too."""
        del self.files[file_id]
        for store in self.stores.values():
            store.attachments.pop(file_id, None)

    def delete_store(self, store_id: str) -> None:
        """Forget a store and its batches; the files stay."""
        del self.stores[store_id]
        for batch in [batch for batch in self.batches.values() if batch.store_id == store_id]:
            del self.batches[batch.id]

    def drop_expired_files(self) -> None:
        """Delete the files whose time is over."""
        now = self.now()
        for file in list(self.files.values()):
            if file.expires_at is not None and file.expires_at <= now:
                self.delete_file(file.id)
