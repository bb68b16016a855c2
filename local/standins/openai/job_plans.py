"""How batch jobs go: how long each part takes, how they end, and how far they get."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Literal

from openai.types import BatchError

from local.standins.openai.rules import Rules


@dataclass(frozen=True, kw_only=True)
class JobInput:
    """A job as a predicate sees it; ``content`` is that of its input file."""

    endpoint: str
    metadata: Mapping[str, str]
    filename: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """The course of the next ``times`` jobs that ``when`` accepts.

    A job is ``validating`` for so many looks, then ``in_progress``, then ``finalizing``, and the
    look after these finds it ended with ``status``. A look is a retrieve, or a list that shows it;
    None is for ever. One that fails does so after ``validating``, with ``errors`` (none: null). One
    that is ``cancelled``, by this plan or by a call, is ``cancelling`` for so many looks.

    Of one that expires or is cancelled, ``answered`` says which requests had been answered: a share
    of them, or those whose custom id it accepts. By itself that is as many as its counts showed
    last: none where it was still ``validating``.

    The first ``unseen`` looks do not find the job, as if it were not there yet. The next ones show
    it with ``odd_statuses``, one a look, before its course begins.
    """

    validating: int | None = 0
    in_progress: int | None = 1
    finalizing: int | None = 0
    cancelling: int | None = 1
    status: Literal["completed", "failed", "expired", "cancelled"] = "completed"
    errors: Sequence[BatchError] = ()
    answered: float | Callable[[str], bool] | None = None
    unseen: int | None = 0
    odd_statuses: Sequence[str] = ()
    times: int | None = None
    when: Callable[[JobInput], bool] | None = None

    def fits(self, subject: JobInput) -> bool:
        """Whether this plan is meant for a job."""
        return self.when is None or self.when(subject)

    def course(self) -> Iterator[str]:
        """The status at each look."""
        yield from self.odd_statuses
        yield from _looks("validating", self.validating)
        if self.status == "cancelled":
            yield from _looks("in_progress", self.in_progress)
            yield from _looks("cancelling", self.cancelling)
        elif self.status != "failed":
            yield from _looks("in_progress", self.in_progress)
            yield from _looks("finalizing", self.finalizing)
        yield from repeat(self.status)

    def course_of_cancel(self) -> Iterator[str]:
        """The status at each look after a call has cancelled the job."""
        yield from _looks("cancelling", self.cancelling)
        yield from repeat("cancelled")


class JobPlans(Rules[JobPlan, JobInput]):
    """The plans in force, and ``default`` for a job that fits none."""

    def __init__(self) -> None:
        super().__init__()
        self.default = JobPlan()

    def choose(self, job: JobInput) -> JobPlan:
        """The plan for a job, used once."""
        return self.take(job) or self.default


def _looks(status: str, count: int | None) -> Iterator[str]:
    return repeat(status) if count is None else repeat(status, count)
