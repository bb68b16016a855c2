"""What a batch asks about: an S3 object with a line for each request, in the requests' order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from functions.completions.identifiers import LabelId, ReceiptId


def targets_key(batch_id: str) -> str:
    """Where a batch's targets are in the bucket."""
    return f"batches/{batch_id}/targets.jsonl"


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
        """What ``to_line`` wrote: our own object, so nothing is forgiven."""
        found = json.loads(line)
        receipt = ReceiptId.parse(found["customId"])
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
                for line_id, word_id, label in found["targets"]
            ],
        )
