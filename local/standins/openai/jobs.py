"""A batch job as the stand-in holds it, and as the SDK's type of itself."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from openai.types import Batch, BatchError, BatchRequestCounts, BatchUsage
from openai.types.batch import Errors
from openai.types.batch_usage import InputTokensDetails, OutputTokensDetails

from local.standins.openai.job_lines import AnsweredLine, CheckedInput
from local.standins.openai.job_plans import JobPlan
from local.standins.openai.records import SECONDS_A_DAY, StoredFile

_ENDED = frozenset(("completed", "failed", "expired", "cancelled"))
# The statuses that a job has been through when it gets to one.
_WAYS = {
    "completed": ("in_progress", "finalizing"),
    "expired": ("in_progress", "finalizing"),
    "finalizing": ("in_progress",),
    "cancelled": ("cancelling",),
}
_DATED = frozenset((*_ENDED, "in_progress", "finalizing", "cancelling"))


class AnyBatch(Batch):
    """The SDK's type, which may also show a status that it does not know."""

    status: str  # type: ignore[assignment]


@dataclass(kw_only=True)
class Job:
    """A batch job. Times are Unix seconds, ``entered`` has that of each status.

    ``coming`` is the status that the next look finds, ``course`` those after it. ``looks`` counts
    those that found it ``in_progress``, ``unseen`` those that did not find it at all.
    """

    id: str
    endpoint: str
    input_file: StoredFile = field(repr=False)
    created_at: int
    metadata: dict[str, str]
    output_seconds: int
    plan: JobPlan
    course: Iterator[str] = field(repr=False)
    coming: str
    status: str = "validating"
    looks: int = 0
    unseen: int = 0
    entered: dict[str, int] = field(default_factory=dict)
    model: str | None = None
    errors: Sequence[BatchError] = ()
    total: int = 0
    enqueued_tokens: int = 0
    completed: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input; nothing here caches any."""
    output_file_id: str | None = None
    error_file_id: str | None = None
    checked: "Future[CheckedInput] | None" = field(default=None, repr=False)
    answered: "Future[Sequence[AnsweredLine]] | None" = field(default=None, repr=False)

    @property
    def has_ended(self) -> bool:
        """Whether its status is its last."""
        return self.status in _ENDED

    def enter(self, status: str, now: int) -> None:
        """Note a status, and when."""
        for passed in (*_WAYS.get(status, ()), status):
            if passed in _DATED:
                self.entered.setdefault(passed, now)
        self.status = status

    def count(self, lines: Sequence[AnsweredLine]) -> None:
        """Show that these requests, and no others, have been answered."""
        self.completed = sum(line.succeeded for line in lines)
        self.failed = len(lines) - self.completed
        self.input_tokens = sum(line.input_tokens for line in lines)
        self.output_tokens = sum(line.output_tokens for line in lines)

    def to_wire(self) -> AnyBatch:
        """The SDK's type."""
        return AnyBatch(
            id=self.id,
            object="batch",
            endpoint=self.endpoint,
            model=self.model,
            errors=Errors(object="list", data=list(self.errors)) if self.errors else None,
            input_file_id=self.input_file.id,
            completion_window="24h",
            status=self.status,
            output_file_id=self.output_file_id,
            error_file_id=self.error_file_id,
            created_at=self.created_at,
            expires_at=self.created_at + SECONDS_A_DAY,
            in_progress_at=self.entered.get("in_progress"),
            finalizing_at=self.entered.get("finalizing"),
            completed_at=self.entered.get("completed"),
            failed_at=self.entered.get("failed"),
            expired_at=self.entered.get("expired"),
            cancelling_at=self.entered.get("cancelling"),
            cancelled_at=self.entered.get("cancelled"),
            request_counts=BatchRequestCounts(
                total=self.total, completed=self.completed, failed=self.failed
            ),
            usage=BatchUsage(
                input_tokens=self.input_tokens,
                input_tokens_details=InputTokensDetails(cached_tokens=self.cached_tokens),
                output_tokens=self.output_tokens,
                output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
                total_tokens=self.input_tokens + self.output_tokens,
            ),
            metadata=self.metadata,
        )
