"""What is in a batch of labels, as the code that fills it and the code that cuts it decide."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

from functions.clients.s3 import Bucket
from functions.completions.collection.cutting import ChunkWriter
from functions.completions.entities import Receipt, ReceiptWordLabel
from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.labels import LabelledReceipt
from functions.completions.submission import prompts
from functions.completions.submission.drafts import Draft, Limits, fill
from functions.completions.submission.prompts import Prompt

_SAMPLES = Path(__file__).parents[2] / "local" / "sample_receipts"
# Around the results of one answer: ids, usage, the model's name.
_ENVELOPE_BYTES = 1_000
_RESULT_BYTES = 72


@dataclass(frozen=True, kw_only=True)
class Composition:
    """A batch: its requests, its labels, and how many labels each of its chunks has."""

    requests: int
    labels: int
    chunks: Sequence[int]


@cache
def composition(*, max_requests: int, max_bytes: int) -> Composition:
    """A batch that is as full as it gets, of receipts like the samples."""
    limits = Limits(requests=max_requests, bytes=max_bytes, tokens=None, free_tokens=None)
    samples = list(_prompts())
    with closing(Draft()) as draft:
        fill(draft, _Repeated(samples), limits)
        requests, labels = draft.request_count, draft.target_count
    asked = [prompt for prompt, _ in zip(cycle(samples), range(requests), strict=False)]
    return Composition(requests=requests, labels=labels, chunks=list(_chunks(asked)))


def _chunks(asked: Sequence[Prompt]) -> Iterator[int]:
    written = _Written()
    with ThreadPoolExecutor(1) as pool:
        writer = ChunkWriter(written, "batch", pool)
        for prompt in asked:
            targets = prompt.request.targets
            answer = sum(len(target.target_id) + _RESULT_BYTES for target in targets)
            writer.add_line(b"-" * (_ENVELOPE_BYTES + answer), request=prompt.request.to_line())
        writer.finish()
    labels = iter([len(prompt.request.targets) for prompt in asked])
    for requests in written.requests:
        yield sum(next(labels) for _ in range(requests))


class _Written(Bucket):
    """Objects of which only the number of their entries is kept."""

    def __init__(self) -> None:
        self.requests: list[int] = []

    def put(self, key: str, body: bytes) -> None:
        """Count the entries of a chunk."""
        if key.endswith(".entries.jsonl"):
            self.requests.append(body.count(b"\n"))


class _Repeated:
    """The same prompts again and again: there are always more labels."""

    def __init__(self, samples: Sequence[Prompt]) -> None:
        self._samples = cycle(samples)
        self._next = next(self._samples)

    def peek(self) -> Prompt:
        return self._next

    def take(self) -> Prompt:
        taken, self._next = self._next, next(self._samples)
        return taken


def _prompts() -> Iterator[Prompt]:
    """One for each of the sample receipts."""
    labels: dict[ReceiptId, list[ReceiptWordLabel]] = {}
    for row in _rows("labels.jsonl"):
        label = LabelId(
            **_receipt(row),
            line_id=row["line_id"],
            word_id=row["word_id"],
            label=row["proposed_label"],
        )
        proposed = ReceiptWordLabel(id=label, timestamp_added="", label_proposed_by="")
        labels.setdefault(label.receipt, []).append(proposed)
    for row in _rows("receipts.jsonl"):
        receipt = Receipt(id=ReceiptId(**_receipt(row)), lines=row["lines"])
        proposals = labels.get(receipt.id, [])
        labelled = LabelledReceipt(
            id=receipt.id, receipt=receipt, labels={label.id: label for label in proposals}
        )
        if proposals:
            yield prompts.prompt(labelled, receipt, proposals, model="gpt-5.4-mini")


def _receipt(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"image_id": row["image_id"], "receipt_id": row["receipt_id"]}


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with (_SAMPLES / name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
