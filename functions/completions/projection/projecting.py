"""Projection: what Pinecone shows of a word is made to be what the label table says of it.

The table is the truth and is never told anything by Pinecone. A word's metadata is computed whole
from all its labels, so that writing it twice is writing it once; the marks of the labels that it
was computed from go when it has been written. There is one writer at a time: of two, the one with
the older state could write last.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, takewhile
from threading import Lock
from typing import TYPE_CHECKING

from functions.clients.dynamodb import Table
from functions.completions.entities import UNPROJECTED, VECTOR_MISSING, ReceiptWordLabel
from functions.completions.labels import readable
from functions.completions.projection.leases import lease
from functions.completions.projection.marks import (
    MarkedWord,
    MarkedWords,
    marked_items,
    with_kind,
    without_mark,
)
from functions.completions.projection.metadata import word_metadata
from functions.completions.projection.pace import Pace
from functions.completions.transactions import write_each
from functions.errors import FlowError, PineconeRejectedError, PineconeUnavailableError
from functions.metrics import Metric
from functions.observability import count, describe, logger

if TYPE_CHECKING:  # the SDK takes its time to import, and most who come here do not need it
    from functions.clients.pinecone import VectorIndex

# At a latency of up to 160 ms the pace is kept.
_THREADS = 16
# As many as one fetch asks for.
_WORDS_A_BUNDLE = 100
# Nothing is begun so shortly before the end: a call may take its four attempts and their waits.
_LAST_CALLS_SECONDS = 45
_FAILURES_WHEN_DOWN = 5


@dataclass(frozen=True, kw_only=True)
class Projected:
    """What became of the marked words; ``remaining`` if there was too little time for all."""

    projected: int
    missing: int
    failed: int
    remaining: bool


def anything_unprojected(table: Table) -> bool:
    """Whether a label is marked; the index follows the table by a moment."""
    return any(True for _ in marked_items(table, UNPROJECTED, only=("PK",), page_size=1))


def retry_missing(table: Table) -> int:
    """Have the words that had no vector projected again; how many labels were marked so."""
    items = marked_items(table, VECTOR_MISSING)
    labels = (label for item in items if (label := readable(ReceiptWordLabel.from_item, item)))
    return write_each(table, (with_kind(label, UNPROJECTED) for label in labels))


def project(
    table: Table,
    index: "VectorIndex",
    *,
    deadline: float,
    pace: Pace,
    clock: Callable[[], float] = time.time,
) -> Projected:
    """Write the metadata of every marked word, until a listing shows no other.

    ``deadline``, in Unix seconds as ``clock``, is when this worker ends: it begins nothing in the
    seconds before. A word that failed keeps its mark. LeaseHeldError if another worker is at it;
    PineconeUnavailableError if several words in a row failed so.
    """
    with (
        lease(table, "PROJECTION", until=deadline, clock=clock),
        ThreadPoolExecutor(_THREADS) as pool,
    ):
        projection = _Projection(
            table, index, pool, pace=pace, is_late=lambda: clock() > deadline - _LAST_CALLS_SECONDS
        )
        while projection.one_pass():
            pass
    return projection.result()


class _Projection:
    """One worker's run over the marks."""

    def __init__(
        self,
        table: Table,
        index: "VectorIndex",
        pool: ThreadPoolExecutor,
        *,
        pace: Pace,
        is_late: Callable[[], bool],
    ) -> None:
        self._table = table
        self._index = index
        self._pool = pool
        self._pace = pace
        self._is_late = is_late
        self._marks = MarkedWords(table)
        self._lock = Lock()
        self._failures_in_a_row = 0
        self._down: PineconeUnavailableError | None = None
        self._projected = self._missing = self._failed = 0
        self._out_of_time = False

    def result(self) -> Projected:
        """What became of the words so far."""
        return Projected(
            projected=self._projected,
            missing=self._missing,
            failed=self._failed,
            # Without progress, going on at once would be going round.
            remaining=self._out_of_time and self._projected + self._missing > 0,
        )

    def one_pass(self) -> bool:
        """Try the marks that were not tried yet; whether there were any, and time for more."""
        found = False
        under_way: list[list[tuple[MarkedWord, Future[bool]]]] = []
        words = takewhile(lambda _: self._goes_on(), self._marks.untried())
        try:
            while bundle := list(islice(words, _WORDS_A_BUNDLE)):
                found = True
                there = self._with_vector(bundle)
                under_way.append([(word, self._pool.submit(self._write, word)) for word in there])
                # While one bundle is written the next is read, so that writing never pauses.
                if len(under_way) > 1:
                    self._unmark(under_way.pop(0))
        finally:
            # A word that comes again in the next pass must not be under way in this one.
            for writes in under_way:
                self._unmark(writes)
        if self._down is not None:
            raise self._down
        return found and not self._out_of_time

    def _with_vector(self, words: Sequence[MarkedWord]) -> list[MarkedWord]:
        """Those of the words that Pinecone knows; the others' marks say that it does not."""
        existing = self._index.existing([word.id.vector_id for word in words])
        missing = [word for word in words if word.id.vector_id not in existing]
        if missing:
            write_each(
                self._table,
                (with_kind(label, VECTOR_MISSING) for word in missing for label in word.marked),
            )
            self._missing += len(missing)
            count(Metric.VECTORS_MISSING, len(missing))
            logger().warning(
                "words without a vector",
                extra={"vector_ids": [word.id.vector_id for word in missing]},
            )
        return [word for word in words if word.id.vector_id in existing]

    def _write(self, word: MarkedWord) -> bool:
        """Write a word's metadata, in a thread of the pool; whether it was."""
        if not self._goes_on():
            return False
        self._pace.turn()
        try:
            self._index.set_metadata(word.id.vector_id, word_metadata(word.labels))
        except (PineconeUnavailableError, PineconeRejectedError) as error:
            self._note_failure(word, error)
            return False
        with self._lock:
            self._failures_in_a_row = 0
        return True

    def _note_failure(self, word: MarkedWord, error: FlowError) -> None:
        count(Metric.PROJECTIONS_FAILED)
        logger().error(
            "a word could not be projected",
            extra={"vector_id": word.id.vector_id, **describe(error)},
        )
        with self._lock:
            self._failed += 1
            if not isinstance(error, PineconeUnavailableError):
                self._failures_in_a_row = 0
                return
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= _FAILURES_WHEN_DOWN:
                self._down = error

    def _unmark(self, writes: Sequence[tuple[MarkedWord, Future[bool]]]) -> None:
        """Wait for writes, and remove the marks of the words that were written."""
        written = [word for word, write in writes if write.result()]
        write_each(self._table, (without_mark(label) for word in written for label in word.marked))
        self._projected += len(written)
        count(Metric.WORDS_PROJECTED, len(written))

    def _goes_on(self) -> bool:
        if self._is_late():
            self._out_of_time = True
        return self._down is None and not self._out_of_time
