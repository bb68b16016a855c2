"""A batch before it is sent: its requests and its targets, each in a file on disk."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

from functions.completions.identifiers import LabelId
from functions.completions.submission import prompts
from functions.completions.submission.prompts import Prompt
from functions.completions.targets import Request
from functions.metrics import Metric
from functions.observability import count, logger

MOST_TARGETS = 100_000
"""Of one batch, and those of the request that reaches it: DynamoDB takes a thousand writes a second
of one partition, and a status is one of an index, a batch's records one of the table. So many are
claimed while there is time to send the batch, and counted while there is time to finish it."""


class Draft:
    """The requests of one batch in their order. They are on disk: there may be 200 MB of them."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.lines: BinaryIO = TemporaryFile()  # noqa: SIM115 - closed with the draft
        self.targets: BinaryIO = TemporaryFile()  # noqa: SIM115 - closed with the draft
        self.bytes = self.tokens = self.answer_tokens = 0
        self.request_count = self.target_count = 0

    def add(self, prompt: Prompt) -> None:
        """Put a request behind those that are there."""
        self.lines.write(prompt.line)
        self.targets.write(prompt.request.to_line())
        self.bytes += len(prompt.line)
        self.tokens += prompt.tokens
        self.answer_tokens += prompt.answer_tokens
        self.request_count += 1
        self.target_count += len(prompt.request.targets)

    def labels(self) -> Iterator[LabelId]:
        """What it asks about."""
        self.targets.seek(0)
        for line in self.targets:
            yield from Request.from_line(line).targets

    def drop(self, labels: Collection[LabelId]) -> None:
        """Ask about all but these; a request that would be about nothing goes too."""
        lines, targets = self.lines, self.targets
        lines.seek(0)
        targets.seek(0)
        self._begin()
        with lines, targets:
            for line, target in zip(lines, targets, strict=True):
                asked = Prompt(request=Request.from_line(target), line=line)
                if kept := prompts.without(asked, labels):
                    self.add(kept)

    def close(self) -> None:
        """Give the disk back."""
        self.lines.close()
        self.targets.close()


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one batch may hold; no limit of tokens is None."""

    requests: int
    bytes: int
    tokens: int | None
    """That can be under way at once: what asks for more can never be sent."""
    free_tokens: int | None
    """Of these, what no other batch has taken."""

    def ever(self, prompt: Prompt) -> bool:
        """Whether a batch of this request alone could be sent."""
        return len(prompt.line) <= self.bytes and _within(prompt.tokens, self.tokens)

    def now(self, draft: Draft, prompt: Prompt) -> bool:
        """Whether the request may join those of the draft."""
        return (
            draft.request_count < self.requests
            and draft.target_count < MOST_TARGETS
            and draft.bytes + len(prompt.line) <= self.bytes
            and self.has_free(draft.tokens + prompt.tokens)
        )

    def has_free(self, tokens: int) -> bool:
        """Whether so many may be sent now, in one batch or several."""
        return _within(tokens, self.free_tokens)


class Prompts(Protocol):
    """Prompts in the order in which they are to be sent."""

    def peek(self) -> Prompt | None:
        """The next one, which is not taken by this; None if there is none."""

    def take(self) -> Prompt:
        """The next one."""


def fill(draft: Draft, waiting: Prompts, limits: Limits) -> None:
    """Take requests as long as they fit; one that no batch could hold is reported and passed by."""
    while (prompt := waiting.peek()) is not None:
        if not limits.ever(prompt):
            _report(waiting.take())
        elif limits.now(draft, prompt):
            draft.add(waiting.take())
        else:
            return


def _within(tokens: int, limit: int | None) -> bool:
    return limit is None or tokens <= limit


def _report(prompt: Prompt) -> None:
    count(Metric.LABELS_THAT_CANNOT_BE_ASKED, len(prompt.request.targets))
    size = {"bytes": len(prompt.line), "prompt_tokens": prompt.tokens}
    about = {"receipt": prompt.request.receipt.custom_id, "labels": len(prompt.request.targets)}
    logger().warning("a receipt asks for more than a batch may hold", extra=about | size)
