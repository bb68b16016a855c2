"""The most that each limit lets through, worked out from the settings: the lowest is met first."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.scale import limits
from benchmarks.scale.compositions import composition
from benchmarks.scale.documents import ANALYSIS_SECONDS, INDEXING_SECONDS, OTHER_TRANSITIONS
from benchmarks.scale.invocations import HAND_OVER_SECONDS, preparation_seconds
from benchmarks.scale.label_steps import steps
from benchmarks.scale.labels import WRITES_A_LABEL, WRITES_A_RECORD
from benchmarks.scale.limits import DAY, MINUTE, Limit
from functions.completions.entities import MARK_SHARDS
from infra.settings import Settings
from infra.state_machines import poll_delays

# Of the ledger, as its items are of up to two kilobytes: the claim, the upload, the batch, the end.
_WRITES_A_DOCUMENT = 8
# In transactions, so two units each: the label and its record.
_TABLE_WRITES_A_LABEL = 4


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """What bounds the flow, at how much, and what moves it."""

    what: str
    most: float
    moved_by: str


def of_documents(settings: Settings) -> Sequence[Ceiling]:
    """In documents a day, if every invocation has as many documents as it may, all of one batch."""
    size = settings.ingest_batch_size
    seconds = preparation_seconds(size) + HAND_OVER_SECONDS
    analyses = DAY / ANALYSIS_SECONDS * size
    transitions = OTHER_TRANSITIONS + _checks(settings)
    return _sorted(
        Ceiling(
            what=f"`analysisMaxConcurrency` {settings.analysis_max_concurrency}, an analysis a "
            "file batch",
            most=settings.analysis_max_concurrency * analyses,
            moved_by="`analysisMaxConcurrency`, `ingestBatchSize`",
        ),
        Ceiling(
            what=f"`ingestMaxConcurrency` {settings.ingest_max_concurrency}",
            most=settings.ingest_max_concurrency * size / seconds * DAY,
            moved_by="`ingestMaxConcurrency`, which is also the brake before OpenAI's limits",
        ),
        _a_day(limits.UPLOADS, 1),
        _a_day(limits.ATTACHED_FILES, 1),
        _a_day(limits.FILE_BATCHES, size, "all documents for one store"),
        _a_day(limits.EXECUTIONS_STARTED, size),
        _a_day(limits.STATE_TRANSITIONS, size / transitions),
        _a_day(limits.NEW_TABLE_WRITES, 1 / _WRITES_A_DOCUMENT, "the ledger"),
        _a_day(limits.TABLE_WRITES, 1 / _WRITES_A_DOCUMENT, "the ledger"),
        _at_once(limits.CONCURRENCY, analyses, "if all were analyses"),
        _at_once(limits.OPEN_EXECUTIONS, DAY / INDEXING_SECONDS * size),
        _at_once(limits.IN_FLIGHT, DAY / seconds),
    )


def of_labels(settings: Settings) -> Sequence[Ceiling]:
    """In labels a second, of full batches."""
    flow = steps(settings)
    full = composition(
        max_requests=settings.completion_batch_max_requests,
        max_bytes=settings.completion_batch_max_bytes,
    )
    between = settings.completion_poll_minutes * MINUTE
    return _sorted(
        Ceiling(
            what=f"`pineconeUpdatesPerSecond` {settings.pinecone_updates_per_second}, of "
            f"Pinecone's {limits.WORD_UPDATES.number} of a namespace",
            most=flow.words_a_second,
            moved_by=limits.WORD_UPDATES.moved_by,
        ),
        _a_second(limits.PARTITION_WRITES, 1 / WRITES_A_RECORD, "the records of one batch"),
        _a_second(limits.PARTITION_WRITES, 1 / WRITES_A_LABEL, "labels that leave `PENDING`"),
        _a_second(limits.PARTITION_WRITES, MARK_SHARDS, f"marks, in {MARK_SHARDS} partitions"),
        _a_second(limits.NEW_TABLE_WRITES, 1 / _TABLE_WRITES_A_LABEL),
        _a_second(limits.TABLE_WRITES, 1 / _TABLE_WRITES_A_LABEL),
        _a_second(limits.JOBS_CREATED, full.labels, "full batches"),
        Ceiling(
            what=f"`completionPollMaxBatches` {settings.completion_poll_max_batches} every "
            f"{settings.completion_poll_minutes} minutes",
            most=settings.completion_poll_max_batches * full.labels / between,
            moved_by="both keys",
        ),
    )


def _checks(settings: Settings) -> int:
    """Of one file batch."""
    waited, checks = 0.0, 1
    for delay in poll_delays(settings.polling):
        if waited >= INDEXING_SECONDS:
            break
        waited += delay
        checks += 1
    return checks


def _a_day(limit: Limit, each: float, of: str = "") -> Ceiling:
    """What a rate lets through, with so much for each."""
    return _a_second(limit, each * DAY, of)


def _a_second(limit: Limit, each: float, of: str = "") -> Ceiling:
    return Ceiling(what=_named(limit, of), most=limit.per_second * each, moved_by=limit.moved_by)


def _at_once(limit: Limit, each: float, of: str = "") -> Ceiling:
    return Ceiling(what=_named(limit, of), most=limit.number * each, moved_by=limit.moved_by)


def _named(limit: Limit, of: str) -> str:
    return f"{limit.who}: {told(limit)}" + (f" ({of})" if of else "")


def told(limit: Limit) -> str:
    """What it is of, with the number and its period."""
    periods = {0: "", 1: " a second", MINUTE: " a minute", limits.HOUR: " an hour"}
    period = periods.get(limit.seconds, f" in {limit.seconds} s")
    return f"{limit.number:,} {limit.what}{period}"


def _sorted(*ceilings: Ceiling) -> Sequence[Ceiling]:
    return sorted(ceilings, key=lambda ceiling: ceiling.most)
