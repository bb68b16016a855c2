"""The items of the label table, as models; those about batches are in batches.py.

========================= =============== ============================ ==========================
entity                    PK              SK                           indexes
========================= =============== ============================ ==========================
Receipt                   IMAGE#{image}   RECEIPT#{n}
ReceiptWordLabel          IMAGE#{image}   RECEIPT#…#LABEL#{label}      1 label, 2 mark, 3 status
BatchSummary              BATCH#{id}      STATUS                       1 status
CompletionBatchResult     BATCH#{id}      RESULT#IMAGE#…#LABEL#{label} 1 label, 2 batch, 3 receipt
CompletionBatchLine       BATCH#{id}      LINE#{chunk}#{line}
========================= =============== ============================ ==========================

A *mark* (GSI2 of a label) says that Pinecone does not show the label's word as it is now.
"""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import from_json, to_json

from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.vocabulary import ValidationStatus
from functions.items import read_item
from functions.messages import Name

# So many partitions share the marks, as one of an index takes a thousand writes a second.
MARK_SHARDS = 8
UNPROJECTED, VECTOR_MISSING = "UNPROJECTED", "VECTOR_MISSING"


def iso(seconds: float) -> str:
    """Unix seconds as ISO 8601 of fixed width, so that texts sort as times do."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


class Entity(BaseModel):
    """A model of items. Attributes it does not know are another program's, and ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def _of(cls, item: Mapping[str, Any], **more: Any) -> Self:
        """Validate an item; InvalidItemError has its key and what is wrong, and no value."""
        return read_item(cls, item, **more)


class ReceiptWord(BaseModel):
    """A word of a line; words count from 1."""

    model_config = ConfigDict(frozen=True)

    word_id: int
    text: str


class ReceiptLine(BaseModel):
    """A line; lines count in reading order."""

    model_config = ConfigDict(frozen=True)

    line_id: int
    text: str
    words: tuple[ReceiptWord, ...]


def _parsed(lines: Any) -> Any:
    return from_json(lines) if isinstance(lines, str) else lines


class Receipt(Entity):
    """What a prompt needs of a receipt."""

    id: ReceiptId
    merchant_name: str | None = None
    # One text of JSON in the item: as DynamoDB's own lists and maps, hundreds of words would be
    # most of the work of whoever reads the receipt's labels.
    lines: Annotated[tuple[ReceiptLine, ...], BeforeValidator(_parsed)]

    def to_item(self) -> dict[str, Any]:
        """The item."""
        return {
            "PK": f"IMAGE#{self.id.image_id}",
            "SK": self.id.key,
            "TYPE": "RECEIPT",
            "merchant_name": self.merchant_name,
            "lines": to_json(self.lines).decode(),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The receipt of an item; InvalidItemError."""
        return cls._of(item, id=ReceiptId.parse(f"{item.get('PK')}#{item.get('SK')}"))


class ReceiptWordLabel(Entity):
    """A label proposed for a word, and what became of it."""

    id: LabelId
    validation_status: ValidationStatus = ValidationStatus.NONE
    timestamp_added: str
    label_proposed_by: str
    reasoning: str | None = None
    label_consolidated_from: str | None = None
    batch_id: Name | None = None
    """The batch that holds it while PENDING, and that judged it after."""
    attempts: int = Field(default=0, ge=0, le=10**9)
    """How often it was asked about without an answer."""
    projection: str | None = None
    """A version of its mark, if it is marked."""

    def to_item(self) -> dict[str, Any]:
        """The whole item, without what is None."""
        item = {
            **self.id.key,
            "TYPE": "RECEIPT_WORD_LABEL",
            "GSI1PK": f"LABEL#{self.id.label}",
            "GSI1SK": self.id.word.vector_id,
            **in_status(self.validation_status),
            # The oldest of a status come first.
            "GSI3SK": f"{self.timestamp_added}#{self.id.text}",
            "timestamp_added": self.timestamp_added,
            "label_proposed_by": self.label_proposed_by,
            "reasoning": self.reasoning,
            "label_consolidated_from": self.label_consolidated_from,
            "batch_id": self.batch_id,
            "attempts": self.attempts,
            **(self.mark(self.projection) if self.projection else {}),
        }
        return {name: value for name, value in item.items() if value is not None}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The label of an item; InvalidItemError."""
        return cls._of(item, id=LabelId.of_key(str(item.get("PK")), str(item.get("SK"))))

    def mark(self, version: str, kind: str = UNPROJECTED) -> dict[str, str]:
        """The attributes that have its word projected; ``UNMARK`` has their names."""
        return {
            "GSI2PK": f"{kind}#{zlib.crc32(self.id.image_id.encode()) % MARK_SHARDS}",
            "GSI2SK": self.id.text,
            "projection": version,
        }


LABEL_ATTRIBUTES = ("PK", "SK", *(name for name in ReceiptWordLabel.model_fields if name != "id"))
"""What of an item makes the label: the rest are the keys of its indexes."""
UNMARK = ("GSI2PK", "GSI2SK", "projection")


def in_status(status: ValidationStatus) -> dict[str, str]:
    """The attributes of a label that are not the same in another status."""
    return {"validation_status": status, "GSI3PK": f"VALIDATION_STATUS#{status}"}
