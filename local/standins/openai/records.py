"""What the stand-in holds. Each record makes the SDK's type of itself."""

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from openai.types import (
    FileObject,
    StaticFileChunkingStrategy,
    StaticFileChunkingStrategyObject,
    VectorStore,
)
from openai.types.vector_store import ExpiresAfter
from openai.types.vector_store import FileCounts as StoreCounts
from openai.types.vector_stores import VectorStoreFile, VectorStoreFileBatch
from openai.types.vector_stores.vector_store_file import LastError
from openai.types.vector_stores.vector_store_file_batch import FileCounts as BatchCounts

from local.standins.openai.checks import Attributes
from local.standins.openai.plans import BatchPlan

UploadPurpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data"]
Purpose = UploadPurpose | Literal["batch_output"]
Status = Literal["in_progress", "completed", "failed", "cancelled"]
CountsT = TypeVar("CountsT", StoreCounts, BatchCounts)

SECONDS_A_DAY = 86_400


def new_id(prefix: str, length: int = 32) -> str:
    """An id nobody has had."""
    return f"{prefix}{uuid.uuid4().hex[:length]}"


@dataclass(kw_only=True)
class StoredFile:
    """An uploaded file. Times are Unix seconds."""

    id: str
    filename: str
    purpose: Purpose
    content: bytes = field(repr=False)
    created_at: int
    expires_at: int | None = None

    def to_wire(self) -> FileObject:
        """The SDK's type."""
        return FileObject(
            id=self.id,
            object="file",
            bytes=len(self.content),
            created_at=self.created_at,
            expires_at=self.expires_at,
            filename=self.filename,
            purpose=self.purpose,
            status="processed",
            status_details=None,
        )


@dataclass(kw_only=True)
class Attachment:
    """A file in a vector store; a store has one for each file, the latest."""

    file: StoredFile
    store_id: str
    created_at: int
    attributes: Attributes
    chunking: StaticFileChunkingStrategy
    status: Status = "in_progress"
    last_error: LastError | None = None

    @property
    def id(self) -> str:
        """The file's id, which is the attachment's too."""
        return self.file.id

    @property
    def usage_bytes(self) -> int:
        """What it takes in the store: nothing until it is indexed."""
        return len(self.file.content) if self.status == "completed" else 0

    def settle(self, error: LastError | None) -> None:
        """End the indexing, well or with an error."""
        self.status = "failed" if error else "completed"
        self.last_error = error

    def to_wire(self) -> VectorStoreFile:
        """The SDK's type."""
        return VectorStoreFile(
            id=self.id,
            object="vector_store.file",
            created_at=self.created_at,
            vector_store_id=self.store_id,
            status=self.status,
            last_error=self.last_error,
            usage_bytes=self.usage_bytes,
            attributes=self.attributes,
            chunking_strategy=StaticFileChunkingStrategyObject(type="static", static=self.chunking),
        )


@dataclass(kw_only=True)
class Store:
    """A vector store and what is attached to it, by file id."""

    id: str
    name: str
    created_at: int
    last_active_at: int
    metadata: dict[str, str]
    expires_after: ExpiresAfter | None = None
    expires_at: int | None = None
    attachments: dict[str, Attachment] = field(default_factory=dict)

    def is_expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def touch(self, now: int) -> None:
        """Note that it was used, which puts its end off."""
        self.last_active_at = now
        if self.expires_after is not None:
            self.expires_at = now + self.expires_after.days * SECONDS_A_DAY

    def to_wire(self, now: float) -> VectorStore:
        """The SDK's type."""
        counts = count(StoreCounts, self.attachments.values())
        return VectorStore(
            id=self.id,
            object="vector_store",
            created_at=self.created_at,
            name=self.name,
            usage_bytes=sum(item.usage_bytes for item in self.attachments.values()),
            file_counts=counts,
            status=(
                "expired"
                if self.is_expired(now)
                else "in_progress"
                if counts.in_progress
                else "completed"
            ),
            expires_after=self.expires_after,
            expires_at=self.expires_at,
            last_active_at=self.last_active_at,
            metadata=self.metadata,
        )


@dataclass(kw_only=True)
class FileBatch:
    """A file batch: its own attachments, by file id, and how it is to go."""

    id: str
    store_id: str
    created_at: int
    attachments: dict[str, Attachment]
    plan: BatchPlan
    status: Status = "in_progress"
    polls: int = 0

    def to_wire(self) -> VectorStoreFileBatch:
        """The SDK's type."""
        return VectorStoreFileBatch(
            id=self.id,
            object="vector_store.files_batch",
            created_at=self.created_at,
            vector_store_id=self.store_id,
            status=self.status,
            file_counts=count(BatchCounts, self.attachments.values()),
        )


def count(kind: type[CountsT], attachments: Iterable[Attachment]) -> CountsT:
    """How many attachments are in each status."""
    tally = Counter(attachment.status for attachment in attachments)
    return kind(
        in_progress=tally["in_progress"],
        completed=tally["completed"],
        failed=tally["failed"],
        cancelled=tally["cancelled"],
        total=tally.total(),
    )
