"""The files that receipts and labels come in: JSON lines.

A receipt a line: ``image_id``, ``receipt_id``, ``lines`` in reading order (``line_id``, ``text``,
``words`` of ``word_id`` and ``text``), and, where it is known, ``key.company``. A label a line:
``image_id``, ``receipt_id``, ``line_id``, ``word_id``, ``proposed_label``. The rest is ignored.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.completions.entities import Receipt, ReceiptLine, ReceiptWord
from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.vocabulary import CoreLabel

Row = TypeVar("Row", bound=BaseModel)


class ReceiptsError(Exception):
    """A file cannot be read; the message says where and why."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    image_id: UUID
    receipt_id: int = Field(ge=1, le=99_999)


class _Key(BaseModel):
    company: str | None = None


class _ReceiptRow(_Row):
    lines: tuple[ReceiptLine, ...]
    key: _Key = _Key()

    def receipt(self) -> Receipt:
        receipt_id = ReceiptId(image_id=str(self.image_id), receipt_id=self.receipt_id)
        lines = tuple(
            ReceiptLine(
                line_id=line.line_id,
                text=line.text,
                words=tuple(ReceiptWord(word_id=w.word_id, text=w.text) for w in line.words),
            )
            for line in self.lines
        )
        return Receipt(id=receipt_id, merchant_name=self.key.company or None, lines=lines)


class _LabelRow(_Row):
    line_id: int = Field(ge=1, le=99_999)
    word_id: int = Field(ge=1, le=99_999)
    proposed_label: CoreLabel

    def label(self) -> LabelId:
        return LabelId(
            image_id=str(self.image_id),
            receipt_id=self.receipt_id,
            line_id=self.line_id,
            word_id=self.word_id,
            label=self.proposed_label,
        )


def read_receipts(file: Path) -> list[Receipt]:
    """The receipts of a file, in its order. ReceiptsError."""
    return [row.receipt() for _, row in _rows(file, _ReceiptRow)]


def read_labels(file: Path, receipts: list[Receipt]) -> list[LabelId]:
    """The labels of a file, each once, all for words of ``receipts``. ReceiptsError."""
    words = {
        (receipt.id, line.line_id, word.word_id)
        for receipt in receipts
        for line in receipt.lines
        for word in line.words
    }
    labels: dict[LabelId, None] = {}
    for number, row in _rows(file, _LabelRow):
        label = row.label()
        if (label.receipt, label.line_id, label.word_id) not in words:
            raise ReceiptsError(f"{file}, line {number}: no receipt has the word {label.text}")
        labels[label] = None
    return list(labels)


def _rows(file: Path, model: type[Row]) -> Iterator[tuple[int, Row]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _row(file, number, line, model)
    except OSError as error:
        raise ReceiptsError(f"{file} cannot be read: {error.strerror}") from error


def _row(file: Path, number: int, line: bytes, model: type[Row]) -> Row:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        where = ".".join(map(str, wrong["loc"])) or "the line"
        raise ReceiptsError(f"{file}, line {number}: {where}: {wrong['msg']}") from None
