"""The items of the label table that are about batches, as models."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field

from functions.completions.entities import Entity
from functions.completions.identifiers import LabelId
from functions.completions.vocabulary import BatchStatus, BatchType, Outcome


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


class CompletionBatchLine(Entity):
    """A line of a job's files that answers none of the batch's requests, or one a second time."""

    batch_id: str
    chunk: str
    line: int
    """Its place in the chunk, from 0."""
    reason: str
    raw_line: str
    """Where the line is kept: ``{S3 key}#{line, from 0}``."""

    def to_item(self) -> dict[str, Any]:
        """The whole item."""
        return {
            "PK": f"BATCH#{self.batch_id}",
            "SK": f"LINE#{self.chunk}#{self.line:05d}",
            "TYPE": "COMPLETION_BATCH_LINE",
            **self.model_dump(mode="json"),
        }
