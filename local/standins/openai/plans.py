"""How file batches go: how long they take, how they end, and which of their files fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from openai.types.vector_stores.vector_store_file import LastError

from local.standins.openai.checks import Attributes
from local.standins.openai.rules import Rules


@dataclass(frozen=True, kw_only=True)
class BatchFile:
    """A file of a batch, as a predicate sees it."""

    id: str
    filename: str
    attributes: Attributes
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class FileFailure:
    """The files that ``when`` accepts (all, if None) fail with this ``last_error``."""

    code: Literal["server_error", "unsupported_file", "invalid_file"] = "server_error"
    message: str = "An internal error occurred."
    when: Callable[[BatchFile], bool] | None = None

    def error(self) -> LastError:
        """The SDK's type."""
        return LastError(code=self.code, message=self.message)


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """The course of the next ``times`` file batches whose files ``when`` accepts.

    The first ``polls`` retrieves answer ``in_progress`` (None: all of them, for ever), the next one
    finds it ended with ``status``. On the way to ``completed`` its files are indexed little by
    little; on the way to ``failed`` or ``cancelled`` none is, and all end so. ``failures`` come
    before what is wrong with a file itself.

    Of the retrieves after its end, the first ``wrong_objects`` (None: all) answer with the vector
    store instead of the batch, as the live API has been seen to.
    """

    polls: int | None = 1
    status: Literal["completed", "failed", "cancelled"] = "completed"
    failures: Sequence[FileFailure] = ()
    wrong_objects: int | None = 0
    times: int | None = None
    when: Callable[[Sequence[BatchFile]], bool] | None = None

    def fits(self, subject: Sequence[BatchFile]) -> bool:
        """Whether this plan is meant for a batch of these files."""
        return self.when is None or self.when(subject)

    def failure(self, file: BatchFile) -> LastError | None:
        """The error that this plan gives to ``file``."""
        for failure in self.failures:
            if failure.when is None or failure.when(file):
                return failure.error()
        return None


class Plans(Rules[BatchPlan, Sequence[BatchFile]]):
    """The plans in force, and ``default`` for a batch that fits none."""

    def __init__(self) -> None:
        super().__init__()
        self.default = BatchPlan()

    def choose(self, files: Sequence[BatchFile]) -> BatchPlan:
        """The plan for a batch of ``files``, used once."""
        return self.take(files) or self.default
