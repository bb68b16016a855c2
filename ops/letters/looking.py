"""A look into the dead-letter queues: what is there, grouped by cause."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby

from ops.letters.holding import Hold
from ops.letters.letters import Letter
from ops.letters.queues import DeadLetterQueue, QueueCounts, queue_counts
from ops.letters.reading import read_letters
from ops.parts import Part
from ops.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one dead-letter queue had; ``hold`` has its messages in hand."""

    queue: DeadLetterQueue
    counts: QueueCounts
    """Before the first was received."""
    letters: Sequence[Letter]
    hold: Hold

    @property
    def unseen(self) -> int:
        """How many messages were there beside those that were received, about."""
        received = sum(len(letter.messages) for letter in self.letters)
        return max(0, self.counts.waiting - received)

    @property
    def is_empty(self) -> bool:
        """Whether the queue has nothing, also in nobody else's hands."""
        return not self.letters and not self.counts.total


class LetterPart(Part):
    """A letter, as JSON."""

    id: str
    about: str
    reason: str
    age_seconds: int


class Group(Part):
    """The letters of one queue that have the same cause; ``number`` is its place in the listing."""

    number: int
    queue: DeadLetterQueue
    cause: str
    remedy: str
    """What helps where putting the letters back does not; empty where it does."""
    count: int
    oldest_seconds: int
    """How long ago the work of its oldest letter was first sent."""
    letters: list[LetterPart]


@contextmanager
def looking(
    stack: Stack, queues: Sequence[DeadLetterQueue], *, most: int, hold_seconds: int
) -> Iterator[list[Look]]:
    """Hold the letters of these queues, ``most`` messages of each, while the block runs."""
    sqs = stack.client("sqs")
    with ExitStack() as held:
        looks = []
        for queue in queues:
            url = queue.url(stack.outputs)
            counts = queue_counts(sqs, url)
            hold = held.enter_context(Hold(sqs, url, seconds=hold_seconds))
            letters = read_letters(stack, queue, hold.take(counts, most))
            looks.append(Look(queue=queue, counts=counts, letters=letters, hold=hold))
        yield looks


def groups_of(looks: Sequence[Look]) -> Mapping[int, tuple[Group, Sequence[Letter]]]:
    """The groups by their numbers: the queues in their order, causes by their names."""
    order = list(DeadLetterQueue)
    letters = sorted(
        (letter for look in looks for letter in look.letters),
        key=lambda letter: (order.index(letter.queue), letter.cause, letter.remedy),
    )
    grouped = groupby(letters, key=lambda letter: (letter.queue, letter.cause, letter.remedy))
    members = (list(group) for _, group in grouped)
    now = time.time()
    return {n: (_group(n, group, now), group) for n, group in enumerate(members, 1)}


def _group(number: int, letters: Sequence[Letter], now: float) -> Group:
    oldest_first = sorted(letters, key=lambda letter: letter.sent_at)
    first = oldest_first[0]
    return Group(
        number=number,
        queue=first.queue,
        cause=first.cause,
        remedy=first.remedy,
        count=len(letters),
        oldest_seconds=int(now - first.sent_at),
        letters=[
            LetterPart(
                id=letter.id,
                about=letter.about,
                reason=letter.reason,
                age_seconds=int(now - letter.sent_at),
            )
            for letter in oldest_first
        ],
    )
