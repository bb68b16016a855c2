"""Requests about the labels of the sample receipts, and the lines in which OpenAI answers them."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai.types.responses import Response

from functions.completions.entities import ReceiptWordLabel, iso
from functions.completions.identifiers import ReceiptId
from functions.completions.labels import LabelledReceipt
from functions.completions.submission.prompts import Prompt, prompt
from functions.completions.targets import Request
from local.receipts.files import read_labels, read_receipts
from local.standins.openai.answers import AnswerPlan, Answers
from local.standins.openai.job_lines import Respond, answer
from local.standins.openai.labels import Truth
from local.standins.openai.line_plans import LinePlan, LinePlans
from local.standins.openai.responses import Responses
from local.standins.openai.state import State

_SAMPLES = Path(__file__).parents[2] / "local" / "sample_receipts"
_TARGETS = 11


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A request, and the raw line that answers it, without its end."""

    request: Request
    line: bytes


def answered(plan: LinePlan | None = None) -> list[Answered]:
    """One for each sample receipt, with 11 to 16 targets; answered well, or as planned.

    OpenAI repeats a request's instructions in the response. Here they are one sentence, so that a
    line has the 4 KB of 200 MB in 50,000 lines; with ours it would have 6.
    """
    prompts = list(_prompts())
    requests = {one.request.receipt.custom_id: one.request for one in prompts}
    plans = LinePlans()
    plans.add(plan or LinePlan())
    lines = answer(b"".join(one.line for one in prompts), plans, _respond(), lambda: None)
    return [
        Answered(request=requests[line.custom_id], line=line.text.rstrip("\n").encode())
        for line in lines
    ]


def _prompts() -> Iterator[Prompt]:
    receipts = read_receipts(_SAMPLES / "receipts.jsonl")
    labels: dict[ReceiptId, list[ReceiptWordLabel]] = defaultdict(list)
    for id_ in read_labels(_SAMPLES / "labels.jsonl", receipts):
        label = ReceiptWordLabel(id=id_, timestamp_added=iso(0), label_proposed_by="sample")
        labels[id_.receipt].append(label)
    for receipt in receipts:
        some = labels[receipt.id][:_TARGETS]
        labelled = LabelledReceipt(
            id=receipt.id, receipt=receipt, labels={label.id: label for label in some}
        )
        yield prompt(labelled, receipt, some, model="gpt-5-mini")


def _respond() -> Respond:
    responses = Responses(State(time.time), Answers())
    responses.truth = Truth.load(_SAMPLES / "labels.jsonl")

    def respond(body: Mapping[str, Any], plan: AnswerPlan | None) -> Response:
        return responses.respond({**body, "instructions": "Check the labels."}, plan)

    return respond
