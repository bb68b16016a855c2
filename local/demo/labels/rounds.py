"""Rounds of submitting and polling, until no label waits for a verdict."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from local.demo.labels.reading import LabelSnapshot
from local.embedded import EmbeddedAws

# Corrections are asked about in their turn, and so is what got no answer: three, and two to spare.
_MOST_ROUNDS = 5
_LOOK_SECONDS = 0.2


class RoundError(RuntimeError):
    """A function or an execution of the flow failed; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """Labels by status before and after everything that waited was asked about."""

    number: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    batch_ids: Sequence[str]
    polls: int


@dataclass(kw_only=True)
class Rounds:
    """Asks about the labels of a stack.

    ``look`` reads its label table, ``under_way`` only how many batches have not ended; ``tell``
    shows a line.
    """

    aws: EmbeddedAws
    look: Callable[[], LabelSnapshot]
    under_way: Callable[[], int]
    tell: Callable[[str], None]
    deadline: float
    """Of the monotonic clock."""
    done: list[Round] = field(default_factory=list)

    def run(self) -> None:
        """Until nothing waits, or too much time or too many rounds have gone. RoundError."""
        seen = self.look()
        while seen.statuses["NONE"] and len(self.done) < _MOST_ROUNDS and self._has_time():
            number, before = len(self.done) + 1, seen.statuses
            self.tell(f"Round {number}: {before['NONE']} labels wait for a verdict.")
            batch_ids = self._submit()
            polls = 0
            while self.under_way() and self._has_time():
                self._poll()
                polls += 1
            seen = self.look()
            finished = Round(
                number=number, before=before, after=seen.statuses, batch_ids=batch_ids, polls=polls
            )
            self.done.append(finished)
            self.tell(f"  after {polls} polls: {_listed(finished.after)}")

    def _submit(self) -> list[str]:
        name = self.aws.outputs["submitCompletionBatchFunctionName"]
        answer = self.aws.invoke(name, {})
        if answer.failed:
            raise RoundError(f"{name}: {answer.payload}")
        for batch in answer.payload["batches"]:
            self.tell(
                f"  {batch['openaiBatchId']}: {batch['targets']} labels "
                f"of {batch['requests']} receipts"
            )
        return [batch["batchId"] for batch in answer.payload["batches"]]

    def _poll(self) -> None:
        states = self.aws.client("stepfunctions")
        machine = self.aws.outputs["completionPollFlowArn"]
        arn = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if not self._has_time():
                raise RoundError(f"{arn} did not end in time")
            time.sleep(_LOOK_SECONDS)
        if found["status"] != "SUCCEEDED":
            raise RoundError(f"{arn} {found['status']}: {found.get('cause', '')}")

    def _has_time(self) -> bool:
        return time.monotonic() < self.deadline


def _listed(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in statuses.items() if count)
