"""How far a document has come, from what the tables and the flow say of it."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.ingest.ledger import HANDED_OVER
from functions.messages import DownloadRequest
from ops.executions import RUNNING, SUCCEEDED, Execution
from ops.items import ItemKey


class Stage(StrEnum):
    """Where a document is, or how it ended."""

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    UPLOADED = "uploaded"
    INDEXING = "indexing"
    ANALYSING = "analysing"
    ANALYSED = "analysed"
    ALREADY_INGESTED = "already ingested"
    """Analysed, too, but not anew: it had come before."""
    FILE_FAILED = "file failed"
    DEAD_LETTER = "dead letter"
    NOT_SENT = "not sent"

    @property
    def is_well(self) -> bool:
        """Whether the document has its analysis."""
        return self in (Stage.ANALYSED, Stage.ALREADY_INGESTED)

    @property
    def is_end(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return self.is_well or self in (Stage.FILE_FAILED, Stage.DEAD_LETTER, Stage.NOT_SENT)


def first_to_be_seen(stage: Stage) -> int:
    """What stages are sorted by: bad ends, then what is under way, then what is well."""
    return 2 if stage.is_well else 0 if stage.is_end else 1


class Upload(BaseModel):
    """A document at OpenAI; the ``reason`` is that of a fallback in its place."""

    file_id: str
    source: str
    reason: str


class Batch(BaseModel):
    """The file batch that a document is in."""

    batch_id: str
    vector_store_id: str


class FileFailure(BaseModel):
    """Why a batch could not index a document."""

    model_config = ConfigDict(alias_generator=to_camel)

    batch_id: str
    code: str
    message: str


class Entry(BaseModel):
    """What the ledger says of a request; functions/ingest/ledger.py writes it."""

    model_config = ConfigDict(alias_generator=to_camel)

    status: str
    lease_until: int = 0
    failure: str = ""
    handed_over_at: int = 0
    upload: Upload | None = None
    batch: Batch | None = None
    file_failure: FileFailure | None = None

    def is_same_as(self, earlier: "Entry") -> bool:
        """Whether nothing has been done for the request since."""
        return (self.status, self.handed_over_at, self.batch) == (
            earlier.status,
            earlier.handed_over_at,
            earlier.batch,
        )


class Failed(BaseModel):
    """A failed delivery of a message: the latest, and how many there were."""

    reason: str
    receives: int

    def told(self, most_receives: int) -> str:
        """It in words."""
        return f"try {self.receives} of {most_receives}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What of the stack's configuration decides a stage."""

    download_receives: int
    analysis_receives: int
    refresh_after_seconds: int


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Everything that was read of a document; None and empty where there is nothing."""

    before: Entry | None = None
    """The ledger's entry as it was before the document was sent."""
    entry: Entry | None = None
    failed: Failed | None = None
    """A delivery of its own message."""
    run: Execution | None = None
    """The execution of the entry's batch."""
    analysis_status: str = ""
    """Of the entry's batch."""
    analysis_failed: Failed | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A stage, and why it is that, or what is to be known of it."""

    stage: Stage
    reason: str = ""


def progress(sight: Sight, rules: Rules, now: float) -> Progress:
    """How far a document has come; ``now`` is Unix seconds."""
    entry = sight.entry
    if entry is not None and entry.status == HANDED_OVER and entry.batch is not None:
        anew = sight.before is None or not entry.is_same_as(sight.before)
        if anew or now < entry.handed_over_at + rules.refresh_after_seconds:
            return _handed_over(sight, entry, rules, anew=anew)
    elif entry is not None and entry.lease_until > now:
        return Progress(stage=Stage.UPLOADED if entry.upload else Stage.DOWNLOADING)
    if sight.failed is None:
        return Progress(stage=Stage.QUEUED)
    if sight.failed.receives >= rules.download_receives:
        return Progress(stage=Stage.DEAD_LETTER, reason=sight.failed.reason)
    return Progress(stage=Stage.QUEUED, reason=sight.failed.told(rules.download_receives))


def _handed_over(sight: Sight, entry: Entry, rules: Rules, *, anew: bool) -> Progress:
    """Of a document that is in a file batch."""
    batch_id = entry.batch.batch_id if entry.batch else ""
    failure, run = entry.file_failure, sight.run
    if failure is not None and failure.batch_id == batch_id:
        return Progress(stage=Stage.FILE_FAILED, reason=f"{failure.code}: {failure.message}")
    if sight.analysis_status == "DONE":
        stage = Stage.ANALYSED if anew else Stage.ALREADY_INGESTED
        return Progress(stage=stage, reason=_fallback(entry))
    if run is None or run.status == RUNNING:
        return Progress(stage=Stage.INDEXING, reason=_fallback(entry))
    if run.status != SUCCEEDED:
        return Progress(stage=Stage.DEAD_LETTER, reason=run.reason)
    return _waiting_for_analysis(sight.analysis_failed, entry, rules)


def _waiting_for_analysis(failed: Failed | None, entry: Entry, rules: Rules) -> Progress:
    if failed is None:
        return Progress(stage=Stage.ANALYSING, reason=_fallback(entry))
    if failed.receives >= rules.analysis_receives:
        return Progress(stage=Stage.DEAD_LETTER, reason=f"market analysis: {failed.reason}")
    return Progress(stage=Stage.ANALYSING, reason=failed.told(rules.analysis_receives))


def _fallback(entry: Entry) -> str:
    if entry.upload is None or entry.upload.source != "fallback":
        return ""
    return f"a fallback in its place: {entry.upload.reason}"


def analysed_item(request: DownloadRequest, batch_id: str) -> ItemKey:
    """The key of what the analyses table keeps of a batch; functions/market_analysis writes it."""
    return (
        f"DOMAIN#{request.domain}",
        f"CUSTOMER#{request.customer_domain}#SUBJECT#{request.subject_type}#BATCH#{batch_id}",
    )
