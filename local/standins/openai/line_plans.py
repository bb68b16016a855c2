"""How single requests of batch jobs are answered, and what becomes of their lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local.standins.openai.answers import AnswerPlan
from local.standins.openai.rules import Rules

Writing = Callable[[str], Sequence[str]]


def whole(line: str) -> Sequence[str]:
    """The line as it is."""
    return [line]


def half(line: str) -> Sequence[str]:
    """Half of the line, which no parser reads."""
    return [line[: len(line) // 2]]


def twice(line: str) -> Sequence[str]:
    """The line and the same line again."""
    return [line, line]


def left_out(line: str) -> Sequence[str]:  # noqa: ARG001
    """Nothing."""
    return []


@dataclass(frozen=True, kw_only=True)
class LinePlan:
    """How the next ``times`` requests are answered whose custom id ``when`` accepts.

    Say at most one of: ``answer``, how the model answers (its own ``when`` and ``times`` do not
    count here); ``status``, an HTTP error, with ``message`` and ``code`` where the usual ones will
    not do; ``error``, the code of an error that is not HTTP's (``batch_expired``), with
    ``message``. ``written`` makes the lines of the output or error file out of the answer's line,
    and ``custom_id`` puts another id into it first. None of this changes the job's counts.
    """

    answer: AnswerPlan | None = None
    status: int | None = None
    error: str | None = None
    message: str | None = None
    code: str | None = None
    custom_id: str | None = None
    written: Writing = whole
    times: int | None = None
    when: Callable[[str], bool] | None = None

    def __post_init__(self) -> None:
        if sum(kind is not None for kind in (self.answer, self.status, self.error)) > 1:
            raise ValueError("a line plan is at most one of answer, status, error")

    def fits(self, subject: str) -> bool:
        """Whether this plan is meant for the request of this custom id."""
        return self.when is None or self.when(subject)


class LinePlans(Rules[LinePlan, str]):
    """The plans in force; a request that fits none is answered as usual."""

    def choose(self, custom_id: str) -> LinePlan:
        """The plan for a request, used once."""
        return self.take(custom_id) or LinePlan()
