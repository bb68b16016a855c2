"""What the model says: made of the prompt and of what was found, and bent as it is told."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from local.standins.openai.labels import LabelRequest, Truth
from local.standins.openai.prose import Material, Quote, article
from local.standins.openai.retrieval import Hit
from local.standins.openai.rules import Rules
from local.standins.openai.schemas import Filler

Body = Mapping[str, Any]
Shape = Literal["plain", "fenced", "preamble", "empty", "refusal", "incomplete"]

REFUSAL = "I'm sorry, but I can't help with that."


@dataclass(frozen=True, kw_only=True)
class AnswerPlan:
    """How the next ``times`` responses are answered whose request body ``when`` accepts.

    ``fenced`` puts the text in a Markdown code fence, ``preamble`` a line before it, ``incomplete``
    cuts it in half. ``text`` says it word for word, or makes it from the request's body. Where
    labels are asked about, ``results`` puts something else in the place of the verdicts.
    """

    shape: Shape = "plain"
    text: str | Callable[[Body], str] | None = None
    results: Callable[[list[dict[str, Any]]], object] | None = None
    times: int | None = None
    when: Callable[[Body], bool] | None = None

    def fits(self, subject: Body) -> bool:
        """Whether this plan is meant for the request."""
        return self.when is None or self.when(subject)


class Answers(Rules[AnswerPlan, Body]):
    """The plans in force; a request that fits none gets a plain answer."""

    def choose(self, body: Body) -> AnswerPlan:
        """The plan for a request, used once."""
        return self.take(body) or AnswerPlan()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said, and where each citation ends in it."""

    text: str
    citations: Sequence[tuple[int, Hit]] = ()
    refused: bool = False
    incomplete: bool = False


def compose(
    plan: AnswerPlan, body: Body, prompt: str, hits: Sequence[Hit], truth: Truth | None
) -> Answer:
    """Answer ``prompt`` out of ``hits``, or out of itself where there are none.

    What it asks about labels is answered out of ``truth``, or by rules where there is none.
    A ``max_output_tokens`` that is too few for the answer cuts it, as the API does.
    """
    if plan.shape == "refusal":
        return Answer(text=REFUSAL, refused=True)
    text, quotes = _said(plan, body, prompt, hits, truth)
    match plan.shape:
        case "fenced":
            text = f"```{'json' if _schema(body) else 'markdown'}\n{text.strip()}\n```"
        case "preamble":
            text = f"Here is the summary:\n\n{text}"
        case "empty":
            text = ""
    room = len(text) // 2 if plan.shape == "incomplete" else len(text)
    if body.get("max_output_tokens"):
        room = min(room, body["max_output_tokens"] * 4)
    cut = text[:room]
    return Answer(text=cut, citations=_citations(cut, quotes), incomplete=len(cut) < len(text))


def _schema(body: Body) -> Body | None:
    wanted = (body.get("text") or {}).get("format") or {}
    schema: Body | None = wanted.get("schema")
    return schema


def _said(
    plan: AnswerPlan, body: Body, prompt: str, hits: Sequence[Hit], truth: Truth | None
) -> tuple[str, Sequence[Quote]]:
    if plan.text is not None:
        return (plan.text if isinstance(plan.text, str) else plan.text(body)), ()
    about_labels = LabelRequest.read(prompt)
    if about_labels is not None:
        results = about_labels.results(truth)
        said = {"results": plan.results(results) if plan.results else results}
        return json.dumps(said, ensure_ascii=False), ()
    schema, material = _schema(body), Material(hits, prompt)
    if schema is None:
        return article(material)
    filler = Filler(schema, material)
    return json.dumps(filler.fill(), ensure_ascii=False), filler.quoted


def _citations(text: str, quotes: Sequence[Quote]) -> list[tuple[int, Hit]]:
    """One for each file, where it is first quoted."""
    cited: dict[str, tuple[int, Hit]] = {}
    for quote in quotes:
        position = text.find(quote.sentence)
        if quote.hit and quote.hit.file.id not in cited and position >= 0:
            cited[quote.hit.file.id] = (position + len(quote.sentence), quote.hit)
    return list(cited.values())
