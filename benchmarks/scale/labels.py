"""The label flow in virtual time: so many batches have ended at once, and are brought to their end.

Which batches a run takes is decided by the function's own listing, again and again until the last
is done; what a batch consists of, by the code that fills and cuts it; the rest is read off the
state machine. A label is a word here.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import simpy

from benchmarks.scale.bucket import Bucket
from benchmarks.scale.compositions import Composition, composition
from benchmarks.scale.label_steps import (
    APPLY_SECONDS,
    COLLECT_SECONDS,
    FINISH_SECONDS,
    listing_seconds,
    steps,
)
from benchmarks.scale.limits import CONCURRENCY, MINUTE, OPEN_MAP_RUNS, PARTITION_WRITES
from benchmarks.scale.pending_batches import EndedJobs, PendingBatches
from functions.completions.collection.listing import PollLimits, batches_to_collect
from functions.observability import forget_metrics
from infra.settings import Settings

# All labels leave one partition of an index, that of PENDING: an item's removal is a write.
WRITES_A_LABEL = 1
# A record in a transaction is two write units of its batch's own partition.
WRITES_A_RECORD = 2
# Labels that are written as one event.
_PIECE = 500
_LOOK_SECONDS = 30
_EPOCH = 1_790_000_000

Item = TypeVar("Item")
Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What became of batches that ended at once; times are in seconds from then on."""

    batches: int
    labels: int
    applied_after: float
    projected_after: float
    runs: int
    """Of the flow, until all was applied."""
    collected: int
    """Batches that these runs took, the same ones again among them."""
    most_invocations: int
    """At once, of ``collect`` and ``apply``."""

    @property
    def applied_a_second(self) -> float:
        """Labels."""
        return self.labels / self.applied_after

    @property
    def projected_a_second(self) -> float:
        """Words."""
        return self.labels / self.projected_after


@dataclass(slots=True)
class _Chunk:
    left: int


@dataclass(slots=True)
class _Batch:
    """A batch; ``left`` are the labels that are not applied."""

    chunks: Sequence[_Chunk]
    has_ended: bool = False
    records: Bucket = field(default_factory=lambda: Bucket(PARTITION_WRITES))

    @property
    def left(self) -> int:
        return sum(chunk.left for chunk in self.chunks)


def simulate(batches: int, settings: Settings) -> Labels:
    """So many batches, each as full as the settings let it be."""
    made = composition(
        max_requests=settings.completion_batch_max_requests,
        max_bytes=settings.completion_batch_max_bytes,
    )
    flow = _Flow(batches, made, settings)
    flow.env.run(flow.all_projected)
    return Labels(
        batches=batches,
        labels=batches * made.labels,
        applied_after=flow.applied_after,
        projected_after=flow.env.now,
        runs=flow.runs,
        collected=flow.collected,
        most_invocations=flow.most_invocations,
    )


class _Flow:
    """The batches and the runs that work on them."""

    def __init__(self, batches: int, made: Composition, settings: Settings) -> None:
        self.env = simpy.Environment()
        self.all_projected = self.env.event()
        self.applied_after = 0.0
        self.runs = self.collected = self.most_invocations = 0
        self._made = made
        self._steps = steps(settings)
        self._limits = PollLimits(
            max_batches=settings.completion_poll_max_batches,
            validating_timeout_seconds=settings.completion_validating_timeout_seconds,
        )
        self._between = settings.completion_poll_minutes * MINUTE
        self._table = PendingBatches(batches, submitted_at=_EPOCH - 3_600)
        self._batches = [_Batch([_Chunk(labels) for labels in made.chunks]) for _ in range(batches)]
        self._pending = batches
        self._applied = self._projected = 0
        self._is_projecting = False
        self._partition = Bucket(PARTITION_WRITES)
        self._invocations = simpy.Resource(self.env, CONCURRENCY.number)
        self._map_runs = simpy.Resource(self.env, OPEN_MAP_RUNS.number)
        self.env.process(self._schedule())

    def _schedule(self) -> Process:
        while True:
            self.env.process(self._run())
            yield self.env.timeout(self._between)

    def _run(self) -> Process:
        """An execution of ``CompletionPollFlow``."""
        end = self.env.now + self._steps.run_seconds
        yield self.env.timeout(listing_seconds(self._pending))
        found = batches_to_collect(
            self._table, EndedJobs(), limits=self._limits, now=_EPOCH + self.env.now
        )
        forget_metrics()
        if self._pending:
            self.runs += 1
            self.collected += len(found)
        numbers = [int(each.batch_id) for each in found]
        at_once = self._steps.batches_at_once
        yield self._map(lambda number: self._bring(number, end), numbers, at_once)
        yield from self._project(end)

    def _map(
        self, work: Callable[[Item], Process], items: Iterable[Item], at_once: int
    ) -> simpy.Event:
        """A Map: work on the items in their order, so many at once."""
        waiting = iter(items)

        def worker() -> Process:
            for item in waiting:
                yield from work(item)

        return simpy.AllOf(self.env, [self.env.process(worker()) for _ in range(at_once)])

    def _bring(self, number: int, end: float) -> Process:
        """Bring one batch to its end, if all its chunks can be applied."""
        batch = self._batches[number]
        if batch.has_ended or self.env.now >= end:
            return
        yield from self._invoke(COLLECT_SECONDS * self._made.requests)
        with self._map_runs.request() as map_run:
            yield map_run
            at_once = self._steps.chunks_at_once
            yield self._map(lambda chunk: self._apply(batch, chunk, end), batch.chunks, at_once)
        yield from self._invoke(FINISH_SECONDS * self._made.labels)
        if not batch.left and not batch.has_ended:
            batch.has_ended = True
            self._table.finish(number)
            self._pending -= 1
            self.applied_after = self.env.now

    def _apply(self, batch: _Batch, chunk: _Chunk, end: float) -> Process:
        for wait in (0.0, *self._steps.retry_waits):
            if not chunk.left or self.env.now >= end:
                return
            yield self.env.timeout(wait)
            with self._invocations.request() as slot:
                yield slot
                self._note_invocations()
                yield from self._write(batch, chunk)

    def _write(self, batch: _Batch, chunk: _Chunk) -> Process:
        """One call of ``apply``: what is throttled waits its turn, unless that is too far off."""
        end = self.env.now + self._steps.apply_seconds
        while chunk.left and self.env.now < end:
            if self.env.now + self._partition.backlog(self.env.now) > end:
                yield self.env.timeout(end - self.env.now)
                return
            labels = min(_PIECE, chunk.left)
            chunk.left -= labels
            waits = (
                APPLY_SECONDS * labels,
                self._partition.wait_for(WRITES_A_LABEL * labels, self.env.now),
                batch.records.wait_for(WRITES_A_RECORD * labels, self.env.now),
            )
            yield self.env.timeout(max(waits))
            self._applied += labels

    def _invoke(self, seconds: float) -> Process:
        with self._invocations.request() as slot:
            yield slot
            self._note_invocations()
            yield self.env.timeout(seconds)

    def _note_invocations(self) -> None:
        self.most_invocations = max(self.most_invocations, self._invocations.count)

    def _project(self, end: float) -> Process:
        """One writer: as long as another run is at it, this one leaves it alone."""
        while self._applied > self._projected and not self._is_projecting and self.env.now < end:
            self._is_projecting = True
            call_ends = self.env.now + self._steps.project_seconds
            while self._applied > self._projected and self.env.now < call_ends:
                rate = self._steps.words_a_second
                words = min(self._applied - self._projected, int(rate * _LOOK_SECONDS))
                yield self.env.timeout(words / rate)
                self._projected += words
            self._is_projecting = False
        if (
            not self._pending
            and self._projected == self._applied
            and not self.all_projected.triggered
        ):
            self.all_projected.succeed()
