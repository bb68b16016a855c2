"""Sentences: taking them out of texts, remembering whose they are, and writing with them."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from local.standins.openai.retrieval import Hit

_ENDS = re.compile(r"(?<=[.!?])\s+")
_MARKS = re.compile(r"^(?:[#>*\-+|\s]+|\d+[.)]\s+)")
# A line of this length goes on in the next: whoever wrote it has wrapped it.
_WRAPPED = 60
_LONGEST = 400
_IN_ARTICLE = 12
_A_PARAGRAPH = 3


@dataclass(frozen=True)
class Quote:
    """A sentence, and the passage it was taken from, if it was found in a file."""

    sentence: str
    hit: Hit | None = None


class Material:
    """The quotes that an answer is made of; they begin again when they run out."""

    def __init__(self, hits: Sequence[Hit], prompt: str) -> None:
        from_files = list(
            _in_turns([Quote(line, hit) for line in _telling(hit.text)] for hit in hits)
        )
        from_prompt = [Quote(line) for line in sentences(_told(prompt))]
        self.quotes = from_files or from_prompt or [Quote("There is nothing to go on.")]
        self.hits = hits
        self._taken = 0

    def take(self) -> Quote:
        """The next quote."""
        quote = self.quotes[self._taken % len(self.quotes)]
        self._taken += 1
        return quote


def sentences(text: str) -> list[str]:
    """The sentences and lines of ``text``, without Markdown's marks."""
    found = (part for line in _lines(text) for part in _ENDS.split(line))
    return [part[:_LONGEST] for part in found if any(map(str.isalnum, part))]


def heading(sentence: str) -> str:
    """The first words of a sentence."""
    return " ".join(sentence.split()[:8]).rstrip(".,:;!?")


def article(material: Material) -> tuple[str, Sequence[Quote]]:
    """A Markdown article of a heading, paragraphs and a list, and the quotes in it."""
    quotes = material.quotes[:_IN_ARTICLE]
    split = max(1, len(quotes) * 2 // 3)
    told, listed = quotes[:split], quotes[split:] or quotes[-1:]
    paragraphs = [
        " ".join(quote.sentence for quote in told[start : start + _A_PARAGRAPH])
        for start in range(0, len(told), _A_PARAGRAPH)
    ]
    points = "\n".join(f"- {quote.sentence}" for quote in listed)
    blocks = [f"# {heading(quotes[0].sentence)}", *paragraphs, "## Key points", points]
    return "\n\n".join(blocks) + "\n", quotes


def _lines(text: str) -> Iterator[str]:
    """The lines of ``text``, put together again where they were wrapped."""
    whole, is_wrapped = "", False
    for line in (" ".join(line.split()) for line in text.splitlines()):
        if not (is_wrapped and line) or _MARKS.match(line):
            yield whole
            whole = ""
        whole = f"{whole} {_MARKS.sub('', line)}".strip()
        is_wrapped = len(line) >= _WRAPPED
    yield whole


def _told(prompt: str) -> str:
    """What a prompt says: of a JSON document its texts, and of those the ones that tell most."""
    try:
        texts = list(_texts(json.loads(prompt)))
    except ValueError:
        return prompt
    return "\n".join([text for text in texts if len(text.split()) > 3] or texts)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _telling(text: str) -> list[str]:
    """The sentences worth quoting: those of four words or more, if there are any."""
    found = sentences(text)
    return [line for line in found if len(line.split()) > 3] or found


def _in_turns(groups: Iterable[Sequence[Quote]]) -> Iterable[Quote]:
    """One of each group, then the next of each, so that every file gets its say."""
    for turn in zip_longest(*groups):
        yield from (quote for quote in turn if quote is not None)
