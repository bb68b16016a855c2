"""The document flow in virtual time, under an even load: queue, ingest, file batches, analyses.

What is ours decides as it does in production: grouping, back-off, the polling of a batch and what
its answers mean are the functions' own code. What is not ours takes the times below, and has the
limits of ``limits.py``.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from benchmarks.scale.bucket import Bucket
from benchmarks.scale.document_queue import DocumentQueue, Message, retry_delays
from benchmarks.scale.file_batches import has_completed
from benchmarks.scale.invocations import HAND_OVER_SECONDS, batches, preparation_seconds
from benchmarks.scale.limits import (
    ATTACHED_FILES,
    DAY,
    EXECUTIONS_STARTED,
    FILE_BATCHES,
    HOUR,
    STATE_TRANSITIONS,
    UPLOADS,
)
from infra.settings import Settings
from infra.state_machines import poll_delays

HOURS = 2
"""Of load; the rates are those of the second half."""
INDEXING_SECONDS = 20
ANALYSIS_SECONDS = 60
TOGETHER = 100
"""Documents in a row that one requester asks for, each requester for a vector store of its own."""
# The SDK's wait before its one more attempt, after a 429 that does not say when to come again.
_SDK_WAITS = (0.0, 0.5)
# An execution's transitions beside its checks: into the first state, the message, the end.
OTHER_TRANSITIONS = 3

Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, kw_only=True)
class Documents:
    """What became of a load; ages are in seconds since the message was sent."""

    load: int
    """Documents a day."""
    indexed_a_day: float
    analysed_a_day: float
    dead_a_day: float
    oldest: float
    oldest_unanalysed: float
    arrived: int
    indexed: int
    analysed: int
    dead: int
    waiting: int
    busy: float
    """Which part of the ingest invocations that may run at once did, in the second half."""
    uploads_refused: int
    files_refused: int


def simulate(
    load: int, settings: Settings, *, openai: float = 1, hours: float = HOURS
) -> Documents:
    """So many documents a day for some hours, with ``openai`` times the limits of OpenAI."""
    flow = _Flow(load / DAY, settings, openai)
    flow.env.run(hours * HOUR / 2)
    half = (flow.indexed, flow.analysed, flow.dead, flow.busy)
    flow.env.run(hours * HOUR)
    seconds = hours * HOUR / 2
    indexed, analysed, dead, busy = (
        after - before
        for after, before in zip(
            (flow.indexed, flow.analysed, flow.dead, flow.busy), half, strict=True
        )
    )
    now = flow.env.now
    return Documents(
        load=load,
        indexed_a_day=indexed / seconds * DAY,
        analysed_a_day=analysed / seconds * DAY,
        dead_a_day=dead / seconds * DAY,
        oldest=now - flow.oldest(),
        oldest_unanalysed=now - min([flow.oldest(), *flow.unanalysed.values()]),
        arrived=flow.queue.arrived(now),
        indexed=flow.indexed,
        analysed=flow.analysed,
        dead=flow.dead,
        waiting=flow.queue.waiting(now) + len(flow.in_hand),
        busy=busy / seconds / settings.ingest_max_concurrency,
        uploads_refused=flow.uploads.refused,
        files_refused=flow.files.refused,
    )


class _Flow:
    """The queue and everything behind it."""

    def __init__(self, per_second: float, settings: Settings, openai: float) -> None:
        self.env = simpy.Environment()
        self.queue = DocumentQueue(per_second)
        self.uploads = Bucket(UPLOADS, times=openai)
        self.files = Bucket(ATTACHED_FILES, times=openai)
        self.in_hand: dict[int, float] = {}
        """Messages between the queue and the index, and when they were sent."""
        self.unanalysed: dict[int, float] = {}
        """File batches that wait for their analysis, with the oldest of their messages."""
        self.indexed = self.analysed = self.dead = 0
        self.busy = 0.0
        """Seconds of all ingest invocations together."""
        self._settings = settings
        self._openai = openai
        self._stores: dict[int, Bucket] = {}
        self._starts = Bucket(EXECUTIONS_STARTED)
        self._transitions = Bucket(STATE_TRANSITIONS)
        self._delays = list(
            retry_delays(
                first=settings.queue_retry_delay_seconds, receives=settings.queue_max_receives
            )
        )
        self._polls = list(poll_delays(settings.polling))
        self._ingest = simpy.Resource(self.env, settings.ingest_max_concurrency)
        self._analyses = simpy.Resource(self.env, settings.analysis_max_concurrency)
        self.env.process(self._receive())

    def oldest(self) -> float:
        """When the oldest document that is not indexed was asked for."""
        return min([self.queue.oldest(self.env.now), *self.in_hand.values()])

    def _receive(self) -> Process:
        size, window = self._settings.ingest_batch_size, self._settings.ingest_batch_window_seconds
        while True:
            slot = self._ingest.request()
            yield slot
            while (due := self.queue.due(self.env.now, size=size, window=window)) > self.env.now:
                yield self.env.timeout(due - self.env.now)
            self.env.process(self._invoke(self.queue.take(size, self.env.now), slot))

    def _invoke(
        self, messages: Sequence[Message], slot: simpy.resources.resource.Request
    ) -> Process:
        began = self.env.now
        self.in_hand.update({message.number: message.sent_at for message in messages})
        refused = [message for message in messages if not message.is_uploaded]
        yield self.env.timeout(preparation_seconds(len(refused)))
        for wait in _SDK_WAITS:
            if refused:
                yield self.env.timeout(wait)
                uploaded = self.uploads.take(len(refused), self.env.now)
                for message in refused[:uploaded]:
                    message.is_uploaded = True
                refused = refused[uploaded:]
        groups = self._grouped([message for message in messages if message.is_uploaded])
        yield self.env.timeout(HAND_OVER_SECONDS)
        for wait in _SDK_WAITS:
            if groups:
                yield self.env.timeout(wait)
                groups = [members for members in groups if not self._hand_over(members)]
        self._give_back([*refused, *(message for members in groups for message in members)])
        self.busy += self.env.now - began
        self._ingest.release(slot)

    def _grouped(self, messages: Sequence[Message]) -> list[list[Message]]:
        # Numbered as they come, so that the same pattern is grouped once.
        numbers: dict[int, int] = {}
        requesters = tuple(
            numbers.setdefault(message.number // TOGETHER, len(numbers)) for message in messages
        )
        together = batches(requesters, max_files=self._settings.vector_store_batch_max_files)
        return [[messages[place] for place in places] for places in together]

    def _hand_over(self, members: Sequence[Message]) -> bool:
        """Make a file batch and start its execution, if OpenAI takes it."""
        requester, now = members[0].number // TOGETHER, self.env.now
        if requester not in self._stores:
            self._stores[requester] = Bucket(FILE_BATCHES, times=self._openai)
        if not self._stores[requester].take_all(1, now):
            return False
        if not self.files.take_all(len(members), now):
            return False
        self.env.process(self._execute(members))
        return True

    def _give_back(self, failed: Sequence[Message]) -> None:
        by_receives: dict[int, list[Message]] = {}
        for message in failed:
            del self.in_hand[message.number]
            by_receives.setdefault(message.receives, []).append(message)
        self.dead += len(by_receives.pop(self._settings.queue_max_receives, ()))
        for receives, messages in by_receives.items():
            self.queue.give_back(messages, self.env.now + self._delays[receives - 1])

    def _execute(self, members: Sequence[Message]) -> Process:
        """``VectorStoreBatchFlow``, and then the market analysis."""
        now = self.env.now
        wait = self._starts.wait_for(1, now)
        wait += self._transitions.wait_for(OTHER_TRANSITIONS, now)
        for delay in (0.0, *self._polls):
            yield self.env.timeout(delay + wait)
            if has_completed(len(members), is_indexed=self.env.now >= now + INDEXING_SECONDS):
                break
            wait = self._transitions.wait_for(1, self.env.now)
        else:
            self._end(members)
            self.dead += len(members)
            return
        self._end(members)
        self.indexed += len(members)
        key = members[0].number
        self.unanalysed[key] = min(message.sent_at for message in members)
        with self._analyses.request() as slot:
            yield slot
            yield self.env.timeout(ANALYSIS_SECONDS)
        del self.unanalysed[key]
        self.analysed += len(members)

    def _end(self, members: Sequence[Message]) -> None:
        for message in members:
            del self.in_hand[message.number]
