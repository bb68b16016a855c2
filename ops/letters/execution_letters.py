"""The letters of ``VectorStoreBatchFlow``: a failed execution leaves two.

One is the state machine's own, ``{executionArn, input, error, cause}``. The other is the event that
EventBridge sends of every execution that ended badly, and the only one of an execution that timed
out or was aborted: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from functions.errors import InvalidMessageError
from functions.messages import Message
from ops.executions import reason_of

# The check says what it found, and the machine's last state what that means.
_ENDS = {"BatchPending": "PollTimeout"}


@dataclass(frozen=True, kw_only=True)
class ExecutionLetter:
    """What one of the two says. Without ``input``, the event had no room for it."""

    execution_arn: str
    input: Mapping[str, Any] | None
    error: str
    """The error's name, or how the execution ended if it has none."""
    cause: str
    is_event: bool

    @property
    def reason(self) -> str:
        """Why the execution failed."""
        return reason_of(self.error, self.cause)


class StateMachineLetter(Message):
    """The machine's own."""

    execution_arn: str
    input: dict[str, Any]
    error: str
    cause: str


class ExecutionDetail(Message):
    """What an event says of its execution."""

    execution_arn: str
    status: str = ""
    input: str | None = None
    error: str | None = None
    cause: str | None = None


class ExecutionEvent(Message):
    """The event."""

    detail: ExecutionDetail


def read_execution_letter(body: str) -> ExecutionLetter:
    """Either of them. InvalidMessageError if it is neither."""
    letter = _decoded(body)
    if isinstance(letter, dict) and "detail" in letter:
        detail = ExecutionEvent.parse(letter).detail
        return ExecutionLetter(
            execution_arn=detail.execution_arn,
            input=_input(detail.input),
            error=detail.error or detail.status,
            cause=detail.cause or "",
            is_event=True,
        )
    own = StateMachineLetter.parse(letter)
    return ExecutionLetter(
        execution_arn=own.execution_arn,
        input=own.input,
        error=_ENDS.get(own.error, own.error),
        cause=own.cause,
        is_event=False,
    )


def _input(text: str | None) -> Mapping[str, Any] | None:
    given = None if text is None else _decoded(text)
    if given is None or isinstance(given, dict):
        return given
    raise InvalidMessageError("the execution's input is no object")


def _decoded(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        raise InvalidMessageError("it is no JSON") from None
