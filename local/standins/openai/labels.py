"""Requests that ask whether the labels of a receipt's words are right, and their answers."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from local.standins.openai.label_rules import Receipt, Word, best_label

_WORD_NUMBER = re.compile(r"#WORD#(\d+)")


class Truth:
    """The label that each word should have, or None, by ``IMAGE#…#RECEIPT#…#LINE#…#WORD#…``."""

    def __init__(self, labels: Mapping[str, str | None]) -> None:
        self._labels = dict(labels)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a JSON Lines file of judged proposals.

        A line has image_id, receipt_id, line_id, word_id, proposed_label, is_valid and
        correct_label.
        """
        labels: dict[str, str | None] = {}
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                item = json.loads(line)
                word = (
                    f"IMAGE#{item['image_id']}#RECEIPT#{item['receipt_id']:05d}"
                    f"#LINE#{item['line_id']:05d}#WORD#{item['word_id']:05d}"
                )
                labels[word] = item["proposed_label" if item["is_valid"] else "correct_label"]
        return cls(labels)

    def knows(self, word: str) -> bool:
        """Whether it has a word."""
        return word in self._labels

    def label(self, word: str) -> str | None:
        """The label of a word that it knows."""
        return self._labels[word]


class Line(BaseModel):
    """A line of the receipt."""

    line_id: int
    text: str


class Target(BaseModel):
    """A label in question. ``id`` is the word's id with ``#LABEL#…`` behind it."""

    id: str
    text: str
    line_id: int
    proposed_label: str
    invalid_labels: Sequence[str] = ()


class LabelRequest(BaseModel):
    """The input of a request, where it is about labels."""

    merchant: str | None = None
    lines: Sequence[Line]
    targets: Sequence[Target]

    @classmethod
    def read(cls, prompt: str) -> Self | None:
        """The request in a prompt; None if it is about something else."""
        try:
            return cls.model_validate_json(prompt)
        except ValidationError:
            return None

    def results(self, truth: Truth | None) -> list[dict[str, Any]]:
        """A verdict on each target: from ``truth`` where it knows the word, else by the rules.

        A label that the target says is invalid is never found again.
        """
        receipt = Receipt(lines=[line.text for line in self.lines], merchant=self.merchant)
        places = {line.line_id: place for place, line in enumerate(self.lines)}
        results = []
        for target in self.targets:
            word = target.id.rpartition("#LABEL#")[0]
            if truth is not None and truth.knows(word):
                label = truth.label(word)
            else:
                label = _by_rule(target, receipt, places.get(target.line_id))
            if label in target.invalid_labels:
                label = None
            is_valid = label == target.proposed_label
            results.append(
                {
                    "id": target.id,
                    "is_valid": is_valid,
                    "correct_label": None if is_valid else label,
                }
            )
        return results


def _by_rule(target: Target, receipt: Receipt, place: int | None) -> str | None:
    if place is None:
        return None
    return best_label(
        Word(text=target.text, line=place, after=_after(target, receipt, place), receipt=receipt)
    )


def _after(target: Target, receipt: Receipt, place: int) -> str:
    """What follows the target's word on its line."""
    numbered = _WORD_NUMBER.search(target.id)
    number = int(numbered[1]) if numbered else 1
    return " ".join(receipt.lines[place].split()[number:])
