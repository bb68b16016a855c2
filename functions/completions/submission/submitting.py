"""Submitting the labels that wait for a verdict: batch after batch, as far as there is room."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from functions.completions import capacity
from functions.completions.batches import BatchSummary
from functions.completions.capacity import Capacity
from functions.completions.submission.drafts import Draft, Limits, fill
from functions.completions.submission.selection import Selection
from functions.completions.submission.sending import QueueFullError, Sender
from functions.observability import count, logger

# A full batch takes so long, from its last request on: claims, the upload, the job.
_SENDING_SECONDS = 240
# What counting the labels that wait leaves of the time.
_LAST_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class SubmitLimits:
    """What a batch may hold, and what all together may; no limit of tokens is None."""

    requests: int
    bytes: int
    enqueued_tokens: int | None

    def at(self, standing: Capacity) -> Limits:
        """What the next batch may hold."""
        return Limits(
            requests=self.requests,
            bytes=self.bytes,
            tokens=standing.limit(self.enqueued_tokens),
            free_tokens=standing.room(self.enqueued_tokens),
        )


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """The batches, how many labels could be asked about and wait on, and why they do."""

    batches: list[BatchSummary]
    waiting: int
    reason: str


def submit(sender: Sender, limits: SubmitLimits) -> Submitted:
    """Submit until no label, no room or no time is left, each batch before the next is begun.

    What else ``Sender.send`` raises ends it; the batches before stand.
    """
    batches: list[BatchSummary] = []
    unsent, reason = 0, ""
    with closing(
        Selection(sender.table, model=sender.model, go_on=lambda: _has_time(sender))
    ) as selection:
        try:
            for summary in _batches(sender, selection, limits):
                batches.append(summary)  # noqa: PERF402 - those before an error count
        except QueueFullError as full:
            unsent, reason = full.labels, str(full)
        waiting = unsent + selection.leave(lambda: sender.time_left() > _LAST_SECONDS)
    if waiting:
        count("LabelsWaiting", waiting)
    reason = reason or ("the time is up" if waiting else "no label waits for a verdict")
    logger().info(reason, extra={"batches": len(batches), "waiting": waiting})
    return Submitted(batches=batches, waiting=waiting, reason=reason)


def _batches(sender: Sender, selection: Selection, limits: SubmitLimits) -> Iterator[BatchSummary]:
    while _has_time(sender):
        standing = capacity.read(sender.table, sender.clock())
        room = limits.at(standing)
        with closing(Draft()) as draft:
            fill(draft, selection, room)
            if not draft.request_count:
                if selection.peek() is None:
                    return
                under_way = f"{standing.tokens} of {room.tokens} prompt tokens are under way"
                raise QueueFullError(under_way, labels=0)
            if sent := sender.send(draft, token_limit=room.tokens):
                yield sent


def _has_time(sender: Sender) -> bool:
    return sender.time_left() > _SENDING_SECONDS
