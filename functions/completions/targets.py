"""What a batch asks about: an S3 object with a line for each request, in the requests' order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from functions.completions.identifiers import LabelId, ReceiptId
from functions.errors import InvalidItemError


def targets_key(batch_id: str) -> str:
    """Where a batch's targets are in the bucket."""
    return f"batches/{batch_id}/targets.jsonl"


_Place = Annotated[int, Field(ge=0, lt=10**9)]
_Label = Annotated[str, StringConstraints(pattern=r"^[A-Z_]+$")]


class _Line(BaseModel):
    model_config = ConfigDict(strict=True)

    custom_id: Annotated[str, Field(alias="customId")]
    targets: list[tuple[_Place, _Place, _Label]]


@dataclass(frozen=True, kw_only=True)
class Request:
    """The labels that one request of a batch, and so one line of its answer, is about."""

    receipt: ReceiptId
    targets: Sequence[LabelId]

    def to_line(self) -> bytes:
        """A line of JSON, with its end."""
        targets = [[target.line_id, target.word_id, target.label] for target in self.targets]
        line = {"customId": self.receipt.custom_id, "targets": targets}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes | str) -> Self:
        """What ``to_line`` wrote: our own object, so nothing is forgiven. InvalidItemError."""
        try:
            found = _Line.model_validate_json(line)
        except ValidationError:
            raise InvalidItemError("a line of a batch's targets cannot be read") from None
        receipt = ReceiptId.parse(found.custom_id)
        return cls(
            receipt=receipt,
            targets=[
                LabelId(
                    image_id=receipt.image_id,
                    receipt_id=receipt.receipt_id,
                    line_id=line_id,
                    word_id=word_id,
                    label=label,
                )
                for line_id, word_id, label in found.targets
            ],
        )
