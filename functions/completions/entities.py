"""The items of the label table, as models.

========================= =============== ============================ ==========================
entity                    PK              SK                           indexes
========================= =============== ============================ ==========================
Receipt                   IMAGE#{image}   RECEIPT#{n}
ReceiptWordLabel          IMAGE#{image}   RECEIPT#…#LABEL#{label}      1 label, 2 mark, 3 status
BatchSummary              BATCH#{id}      STATUS                       1 status
CompletionBatchResult     BATCH#{id}      RESULT#IMAGE#…#LABEL#{label} 1 label, 2 batch, 3 receipt
========================= =============== ============================ ==========================

A *mark* (GSI2 of a label) says that Pinecone does not show the label's word as it is now.
"""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.vocabulary import BatchStatus, BatchType, Outcome, ValidationStatus
from functions.errors import InvalidItemError

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
        try:
            return cls.model_validate({**item, **more})
        except ValidationError as error:
            wrong = ", ".join(
                f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()
            )
            raise InvalidItemError(f"{key_of(item)} is no {cls.__name__}: {wrong}") from None


def key_of(item: Mapping[str, Any]) -> str:
    """An item's key, for a log line."""
    return f"{item.get('PK')} {item.get('SK')}"


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


class Receipt(Entity):
    """What a prompt needs of a receipt."""

    id: ReceiptId
    merchant_name: str | None = None
    lines: tuple[ReceiptLine, ...]

    def to_item(self) -> dict[str, Any]:
        """The item."""
        return {
            "PK": f"IMAGE#{self.id.image_id}",
            "SK": self.id.key,
            "TYPE": "RECEIPT",
            "merchant_name": self.merchant_name,
            "lines": [line.model_dump() for line in self.lines],
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
    batch_id: str | None = None
    """The batch that holds it while PENDING, and that judged it after."""
    attempts: int = Field(default=0, ge=0)
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
            **self.status_attributes(self.validation_status),
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

    def status_attributes(self, status: ValidationStatus) -> dict[str, str]:
        """The attributes that change with the status; the oldest of a status come first."""
        return {**in_status(status), "GSI3SK": f"{self.timestamp_added}#{self.id.text}"}

    def mark(self, version: str, kind: str = UNPROJECTED) -> dict[str, str]:
        """The attributes that have its word projected; ``UNMARK`` has their names."""
        return {
            "GSI2PK": f"{kind}#{zlib.crc32(self.id.image_id.encode()) % MARK_SHARDS}",
            "GSI2SK": self.id.text,
            "projection": version,
        }


UNMARK = ("GSI2PK", "GSI2SK", "projection")


def in_status(status: ValidationStatus) -> dict[str, str]:
    """The attributes of a label that are not the same in another status."""
    return {"validation_status": status, "GSI3PK": f"VALIDATION_STATUS#{status}"}


class BatchSummary(Entity):
    """A batch: our own name for a Batch API job, and how it stands. Leases are Unix seconds."""

    batch_id: str
    batch_type: BatchType = BatchType.COMPLETION
    status: BatchStatus
    submitted_at: str
    model: str
    targets_key: str
    """Of the S3 object with its targets, a request a line."""
    target_count: int
    request_count: int
    prompt_tokens: int
    """Estimated; they count as under way until the batch ends."""
    openai_batch_id: str | None = None
    input_file_id: str | None = None
    lease_until: int = 0
    """Until then a batch that is SUBMITTING is in its submitter's hands."""
    released_at: int | None = None
    """When its labels were released because no job was found; a late job is then cancelled."""
    checked_at: str = ""
    """When it was last handed on to be collected."""
    cancel_requested_at: str | None = None
    openai_status: str | None = None
    result_file_id: str | None = None
    error_file_id: str | None = None
    outcomes: dict[str, int] = Field(default_factory=dict)
    """How many targets ended where; they add up to ``target_count``."""
    lines_without_answer: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    reason: str | None = None
    finished_at: str | None = None

    @property
    def key(self) -> dict[str, str]:
        """The key of its item."""
        return summary_key(self.batch_id)

    def to_item(self) -> dict[str, Any]:
        """The whole item, without what is None."""
        item = {
            **self.key,
            "TYPE": "BATCH_SUMMARY",
            **self.model_dump(mode="json"),
            **self.status_attributes(self.status),
        }
        return {name: value for name, value in item.items() if value is not None}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The summary of an item; InvalidItemError."""
        return cls._of(item)

    def status_attributes(self, status: BatchStatus) -> dict[str, str]:
        """The attributes that change with the status."""
        return {
            "status": status,
            "GSI1PK": f"STATUS#{status}",
            "GSI1SK": f"BATCH_TYPE#{self.batch_type}#BATCH_ID#{self.batch_id}",
        }


def summary_key(batch_id: str) -> dict[str, str]:
    """The key of a batch's summary."""
    return {"PK": f"BATCH#{batch_id}", "SK": "STATUS"}


class CompletionBatchResult(Entity):
    """What became of one target of a batch: the audit."""

    batch_id: str
    id: LabelId
    outcome: Outcome
    original_label: str
    gpt_suggested_label: str | None = None
    is_valid: bool | None = None
    """The verdict; None where there was none."""
    reason: str | None = None
    """Why there was no verdict, or why it was not followed."""
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    """Both of the request, which asked about all labels of a receipt."""
    attempt: int
    """Counts from 1."""
    validated_at: str
    raw_line: str | None = None
    """Where the line is kept: ``{S3 key}#{line, from 0}``."""

    @property
    def key(self) -> dict[str, str]:
        """The key of its item."""
        return {"PK": f"BATCH#{self.batch_id}", "SK": f"RESULT#{self.id.text}"}

    def to_item(self) -> dict[str, Any]:
        """The whole item, without what is None."""
        status = f"STATUS#{self.outcome}"
        item = {
            **self.key,
            "TYPE": "COMPLETION_BATCH_RESULT",
            "GSI1PK": f"LABEL#{self.id.label}",
            "GSI1SK": status,
            "GSI2PK": f"BATCH#{self.batch_id}",
            "GSI2SK": status,
            "GSI3PK": self.id.receipt.custom_id,
            "GSI3SK": f"BATCH#{self.batch_id}#{status}",
            **self.model_dump(mode="json", exclude={"id"}),
        }
        return {name: value for name, value in item.items() if value is not None}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The result of an item; InvalidItemError."""
        image, _, rest = str(item.get("SK")).removeprefix("RESULT#").partition("#RECEIPT#")
        return cls._of(item, id=LabelId.of_key(image, f"RECEIPT#{rest}"))
