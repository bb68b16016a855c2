"""The state of a stack at one moment, as it was read from AWS and OpenAI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ops.executions import reason_of


class QueueName(StrEnum):
    """The stack's queues, named as its outputs are."""

    DOWNLOAD = "downloadQueue"
    MARKET_ANALYSIS = "marketAnalysisQueue"
    DOWNLOAD_DEAD_LETTERS = "downloadDeadLetterQueue"
    FLOW_DEAD_LETTERS = "vectorStoreBatchFlowDeadLetterQueue"
    MARKET_ANALYSIS_DEAD_LETTERS = "marketAnalysisDeadLetterQueue"


@dataclass(frozen=True, kw_only=True)
class QueueCounts:
    """Messages that wait, those that were received and not deleted yet, those with a delay."""

    waiting: int = 0
    in_flight: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.in_flight


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request in the ledger: how far it came. Empty where it is not that far."""

    key: str
    file_id: str = ""
    is_fallback: bool = False
    reason: str = ""
    batch_id: str = ""
    vector_store_id: str = ""
    file_failure: str = ""


@dataclass(frozen=True, kw_only=True)
class StoreFile:
    """A file of a vector store; ``status`` is OpenAI's word."""

    file_id: str
    ledger_key: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Execution:
    """An execution of the state machine; ``checks`` is how often the batch was asked for."""

    arn: str
    name: str
    status: str
    batch_id: str
    input: Mapping[str, Any]
    checks: int = 0
    error: str = ""
    cause: str = ""
    notification: Mapping[str, Any] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status != "RUNNING"

    @property
    def reason(self) -> str:
        """Why it failed: the error's name, and the message of the function that raised it."""
        return reason_of(self.error, self.cause)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A dead letter; of the flow's, one for each execution."""

    queue: QueueName
    message_id: str
    body: str
    reason: str
    execution_arn: str = ""
    execution_input: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything that is known of the stack."""

    queues: Mapping[QueueName, QueueCounts] = field(default_factory=dict)
    requests: Mapping[str, Request] = field(default_factory=dict)
    """By their key in the ledger."""
    files: Sequence[StoreFile] = ()
    executions: Sequence[Execution] = ()
    analyses: Sequence[Mapping[str, Any]] = ()
    """What the analyses table keeps of each batch."""
    letters: Sequence[Letter] = ()

    def queue(self, name: QueueName) -> QueueCounts:
        """The counts of a queue."""
        return self.queues.get(name, QueueCounts())
