"""A dead letter, and what it takes to put its work back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.letters.causes import cause_of
from ops.letters.holding import Message
from ops.letters.queues import DeadLetterQueue


@dataclass(frozen=True, kw_only=True)
class Resend:
    """The message goes back to the queue that it came from."""

    queue_url: str


@dataclass(frozen=True, kw_only=True)
class PollAgain:
    """Another execution waits for the same file batch."""

    execution_arn: str
    input: Mapping[str, Any] | None
    """None where the letter does not have it: the execution itself does."""


@dataclass(frozen=True, kw_only=True)
class InvokeAgain:
    """A function that runs on a schedule is called once more."""

    function_name: str


@dataclass(frozen=True, kw_only=True)
class StartAgain:
    """A state machine that runs on a schedule is started once more."""

    machine_arn: str


Work = Resend | PollAgain | InvokeAgain | StartAgain


@dataclass(frozen=True, kw_only=True)
class Letter:
    """Work that came to nothing. An execution's two messages are one letter."""

    queue: DeadLetterQueue
    messages: Sequence[Message]
    about: str
    """Which document, batch or run; empty if the letter does not say."""
    reason: str
    remedy: str = ""
    """What helps where putting it back, as it is, does not; empty where it does."""
    work: Work | None
    """None if nothing can be made of the letter: it stays where it is."""

    @property
    def id(self) -> str:
        """The id of its message, or of the first of them."""
        return self.messages[0].message_id

    @property
    def sent_at(self) -> float:
        """Unix seconds."""
        return min(message.sent_at for message in self.messages)

    @property
    def cause(self) -> str:
        """The reason without what is its own."""
        return cause_of(self.reason)
