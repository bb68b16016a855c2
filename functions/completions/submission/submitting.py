"""Submitting the labels that wait for a verdict: batch after batch, as far as there is room."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from functions.completions import capacity
from functions.completions.batches import BatchSummary
from functions.completions.capacity import Capacity
from functions.completions.submission.budgets import (
    Account,
    Budget,
    OverBudgetError,
    Spending,
    weigh,
)
from functions.completions.submission.drafts import Draft, Limits, fill
from functions.completions.submission.selection import Selection
from functions.completions.submission.sending import QueueFullError, Sender
from functions.metrics import Metric
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
    spending: Spending | None = None
    """None without a budget."""


def submit(sender: Sender, limits: SubmitLimits, budget: Budget | None = None) -> Submitted:
    """Submit until no label, no room or no time is left, each batch before the next is begun.

    Nothing is sent if all that would be costs more than the ``budget``. What else ``Sender.send``
    raises ends it; the batches before stand.
    """
    account = None if budget is None else Account(budget)
    done = None if account is None else _stopped(sender, limits, account)
    if done is None:
        done = _sent(sender, limits, account)
    if done.waiting:
        count(Metric.LABELS_WAITING, done.waiting)
    logger().info(done.reason, extra={"batches": len(done.batches), "waiting": done.waiting})
    return done


def _stopped(sender: Sender, limits: SubmitLimits, account: Account) -> Submitted | None:
    """That nothing is sent, as all of it would cost too much; None if it would not."""
    # As much is read once more to be sent, so half of the time is left for that.
    enough = (sender.time_left() + _SENDING_SECONDS) / 2

    def has_time() -> bool:
        return sender.time_left() > enough

    looked_at = Selection(sender.table, model=sender.model, go_on=has_time, looked_at=True)
    with closing(looked_at) as selection:
        room = limits.at(capacity.read(sender.table, sender.clock()))
        weight = weigh(selection, room, model=account.budget.model)
        try:
            account.weigh(weight, whole=has_time())
        except OverBudgetError as stop:
            waiting = stop.labels + _left(sender, selection)
            return Submitted(
                batches=[], waiting=waiting, reason=str(stop), spending=account.spending
            )
    return None


def _sent(sender: Sender, limits: SubmitLimits, account: Account | None) -> Submitted:
    batches: list[BatchSummary] = []
    unsent, reason = 0, ""
    with closing(
        Selection(sender.table, model=sender.model, go_on=lambda: _has_time(sender))
    ) as selection:
        try:
            for summary in _batches(sender, selection, limits, account):
                batches.append(summary)  # noqa: PERF402 - those before an error count
        except (QueueFullError, OverBudgetError) as stop:
            unsent, reason = stop.labels, str(stop)
        waiting = unsent + _left(sender, selection)
    return Submitted(
        batches=batches,
        waiting=waiting,
        reason=reason or ("the time is up" if waiting else "no label waits for a verdict"),
        spending=None if account is None else account.spending,
    )


def _batches(
    sender: Sender, selection: Selection, limits: SubmitLimits, account: Account | None
) -> Iterator[BatchSummary]:
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
            if account is not None:
                account.check(draft)
            if sent := sender.send(draft, token_limit=room.tokens):
                if account is not None:
                    account.charge(draft)
                yield sent


def _left(sender: Sender, selection: Selection) -> int:
    return selection.leave(lambda: sender.time_left() > _LAST_SECONDS)


def _has_time(sender: Sender) -> bool:
    return sender.time_left() > _SENDING_SECONDS
