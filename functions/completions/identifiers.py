"""The names of receipts, words and labels, in the table, in prompts, and in Pinecone."""

import re
from dataclasses import dataclass
from typing import Self

from functions.completions.vocabulary import ValidationStatus
from functions.errors import InvalidItemError
from functions.excerpts import excerpt

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# As it is written below, so that no two texts are one name. Nobody has seen one of ten digits.
_NUMBER = r"(?:[0-9]{5}|[1-9][0-9]{5,8})"
_RECEIPT = re.compile(rf"IMAGE#(?P<image>{_UUID})#RECEIPT#(?P<receipt>{_NUMBER})")
_LABEL = re.compile(
    rf"{_RECEIPT.pattern}#LINE#(?P<line>{_NUMBER})#WORD#(?P<word>{_NUMBER})#LABEL#(?P<label>[A-Z_]+)"
)
_WITHOUT_A_VERDICT = f"#VALIDATION_STATUS#{ValidationStatus.NONE}"


@dataclass(frozen=True, kw_only=True, order=True)
class ReceiptId:
    """A receipt of an image; an image may show more than one."""

    image_id: str
    receipt_id: int

    @property
    def custom_id(self) -> str:
        """The name of its request in a batch."""
        return f"IMAGE#{self.image_id}#{self.key}"

    @property
    def key(self) -> str:
        """Its sort key in the partition of its image; its labels' keys begin with it."""
        return f"RECEIPT#{self.receipt_id:05d}"

    @classmethod
    def parse(cls, custom_id: str) -> Self:
        """The receipt of a custom id; InvalidItemError if it is none."""
        match = _RECEIPT.fullmatch(custom_id)
        if match is None:
            raise InvalidItemError(f"{excerpt(custom_id)!r} names no receipt")
        return cls(image_id=match["image"], receipt_id=int(match["receipt"]))


@dataclass(frozen=True, kw_only=True, order=True)
class WordId:
    """A word of a receipt."""

    image_id: str
    receipt_id: int
    line_id: int
    word_id: int

    @property
    def receipt(self) -> ReceiptId:
        """The receipt that it is on."""
        return ReceiptId(image_id=self.image_id, receipt_id=self.receipt_id)

    @property
    def vector_id(self) -> str:
        """The name of its vector in Pinecone."""
        return f"{self.receipt.custom_id}#{self._place}"

    @property
    def key(self) -> str:
        """What the sort keys of its labels begin with."""
        return f"{self.receipt.key}#{self._place}"

    @property
    def _place(self) -> str:
        return f"LINE#{self.line_id:05d}#WORD#{self.word_id:05d}"


@dataclass(frozen=True, kw_only=True, order=True)
class LabelId:
    """A label proposed for a word: what the table has one item of."""

    image_id: str
    receipt_id: int
    line_id: int
    word_id: int
    label: str

    @property
    def receipt(self) -> ReceiptId:
        """The receipt that its word is on."""
        return self.word.receipt

    @property
    def word(self) -> WordId:
        """The word that it is proposed for."""
        return WordId(
            image_id=self.image_id,
            receipt_id=self.receipt_id,
            line_id=self.line_id,
            word_id=self.word_id,
        )

    @property
    def key(self) -> dict[str, str]:
        """The key of its item."""
        return {"PK": f"IMAGE#{self.image_id}", "SK": f"{self.word.key}#LABEL#{self.label}"}

    @property
    def text(self) -> str:
        """Its whole name; written out, as millions of them are made.

        ``zfill`` takes a third of the time of a format.
        """
        receipt, line = str(self.receipt_id).zfill(5), str(self.line_id).zfill(5)
        word = str(self.word_id).zfill(5)
        return f"IMAGE#{self.image_id}#RECEIPT#{receipt}#LINE#{line}#WORD#{word}#LABEL#{self.label}"

    @property
    def target_id(self) -> str:
        """Its name in a prompt: what is asked about is a label without a verdict."""
        return f"{self.text}{_WITHOUT_A_VERDICT}"

    def of_same_word(self, label: str) -> "LabelId":
        """Another label of its word."""
        return LabelId(
            image_id=self.image_id,
            receipt_id=self.receipt_id,
            line_id=self.line_id,
            word_id=self.word_id,
            label=label,
        )

    @classmethod
    def of_key(cls, pk: str, sk: str) -> Self:
        """The label of an item's key; InvalidItemError if it is none's."""
        match = _LABEL.fullmatch(f"{pk}#{sk}")
        if match is None:
            raise InvalidItemError(f"{excerpt(' '.join((pk, sk)))} is no label's key")
        return cls(
            image_id=match["image"],
            receipt_id=int(match["receipt"]),
            line_id=int(match["line"]),
            word_id=int(match["word"]),
            label=match["label"],
        )
