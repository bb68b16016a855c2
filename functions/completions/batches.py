"""The items of the label table that are about batches, as models."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field

from functions.completions.entities import Entity
from functions.completions.identifiers import LabelId
from functions.completions.vocabulary import BatchStatus, BatchType, Outcome
from functions.errors import InvalidItemError
from functions.items import key_of
from functions.messages import Name, OpenAIId


def _time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("must have its offset from UTC")
    return text


Time = Annotated[str, AfterValidator(_time)]
# DynamoDB counts no further than to 38 digits, and nothing here comes near to this.
Number = Annotated[int, Field(ge=0, le=10**15)]


class BatchSummary(Entity):
    """A batch: our own name for a Batch API job, and how it stands. Leases are Unix seconds."""

    batch_id: Name
    batch_type: BatchType = BatchType.COMPLETION
    status: BatchStatus
    submitted_at: Time
    model: str
    targets_key: str
    """Of the S3 object with its targets, a request a line."""
    target_count: Number
    request_count: Number
    prompt_tokens: Number
    """Estimated; they count as under way until the batch ends."""
    answer_tokens: Number = 0
    """Estimated, on the safe side."""
    openai_batch_id: OpenAIId | None = None
    input_file_id: str | None = None
    lease_until: Number = 0
    """Until then a batch that is SUBMITTING is in its submitter's hands."""
    released_at: Number | None = None
    """When its labels were released because no job was found; a late job is then cancelled."""
    checked_at: str = ""
    """When it was last handed on to be collected."""
    cancel_requested_at: str | None = None
    openai_status: str | None = None
    result_file_id: str | None = None
    error_file_id: str | None = None
    outcomes: dict[str, Number] = Field(default_factory=dict)
    """How many targets ended where; they add up to ``target_count``."""
    lines_without_answer: Number = 0
    input_tokens: Number = 0
    output_tokens: Number = 0
    """Both as OpenAI counts them; zero if it did not say."""
    cached_tokens: Number = 0
    """Of the input."""
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
        summary = cls._of(item)
        _check_key(summary.key, item)
        return summary

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


def _check_key(key: Mapping[str, str], item: Mapping[str, Any]) -> None:
    """What is written of an item must go to the key that it was read under."""
    if key != {"PK": item.get("PK"), "SK": item.get("SK")}:
        raise InvalidItemError(f"{key_of(item)} says of itself that it is {key_of(key)}")


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
    input_tokens: Number = 0
    output_tokens: Number = 0
    """Both of the request, which asked about all labels of a receipt."""
    attempt: Number
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
        result = cls._of(item, id=LabelId.of_key(image, f"RECEIPT#{rest}"))
        _check_key(result.key, item)
        return result


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
