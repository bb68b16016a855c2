"""All that a look at a stack found."""

from collections.abc import Iterator, Sequence
from typing import Self

from ops.letters.looking import Group, Look
from ops.letters.queues import DeadLetterQueue
from ops.parts import Part
from ops.status.documents import DocumentsPart
from ops.status.labels import LabelsPart
from ops.status.problems import Problem
from ops.words import counted

_REDRIVE = "python -m ops redrive --dry-run"


class LettersPart(Part):
    """A dead-letter queue: its letters by cause, and the messages that were not looked at."""

    queue: DeadLetterQueue
    groups: list[Group]
    in_other_hands: int
    beyond_limit: int

    @classmethod
    def of(cls, look: Look, groups: Sequence[Group]) -> Self:
        """What a look found, with the groups of its queue."""
        return cls(
            queue=look.queue,
            groups=[group for group in groups if group.queue is look.queue],
            in_other_hands=look.counts.in_flight,
            beyond_limit=look.unseen,
        )


class Report(Part):
    """The document of ``status``."""

    well: bool
    """Whether nothing is stuck and nothing failed."""
    problems: list[Problem]
    documents: DocumentsPart
    labels: LabelsPart
    dead_letters: list[LettersPart]


def letter_problems(parts: Sequence[LettersPart]) -> Iterator[Problem]:
    """Each cause of dead letters, and letters that could not be looked at."""
    for part in parts:
        flow = "labels" if part.queue is DeadLetterQueue.COMPLETION else "documents"
        found = [(group.count, group.cause) for group in part.groups]
        if part.in_other_hands:
            found.append((part.in_other_hands, "in somebody else's hands now"))
        if part.beyond_limit:
            found.append((part.beyond_limit, "about so many more, beyond --limit"))
        for number, what in found:
            letters = f"{counted(number, 'dead letter')} of {part.queue}"
            yield Problem(flow=flow, what=f"{letters}: {what}", next=_REDRIVE)
