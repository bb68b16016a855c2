"""Putting the work of dead letters back.

The work is sent or started first, and its letter deleted after. A crash between the two leaves
both, and the second of them does nothing: the ledger knows a document that was handed over, the
analyses table a batch that was analysed, a file batch is asked for its executions before another is
started, and what runs on a schedule works on what waits, which is then nothing.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from itertools import count
from typing import Any, assert_never

from botocore.exceptions import BotoCoreError, ClientError

from functions.clients.step_functions import StateMachine
from functions.errors import FlowError
from functions.messages import FileBatchRef
from ops.errors import OpsError
from ops.executions import SUCCEEDED, UNDER_WAY, Executions
from ops.letters.holding import Hold
from ops.letters.letters import InvokeAgain, Letter, PollAgain, Resend, StartAgain, Work
from ops.letters.queues import DeadLetterQueue
from ops.parts import Part
from ops.stack import Stack


class Outcome(Part):
    """What became of a letter: whether its work is back and the letter gone, and how or why not."""

    letter: str
    queue: DeadLetterQueue
    about: str
    done: bool
    what: str


class Redriver:
    """Puts letters back, one at a time. What was started for one letter serves others like it."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = stack.client("sqs")
        self._states = stack.client("stepfunctions")
        self._lambda = stack.client("lambda")
        self._flow = stack.outputs.vector_store_batch_flow_arn
        self._executions = Executions(self._states, self._flow)
        self._started: dict[Hashable, str] = {}

    def redrive(self, letter: Letter, hold: Hold) -> Outcome:
        """Put one back; an error is its outcome and disturbs no other."""
        return self._outcome(letter, lambda: self._redriven(letter, hold))

    def discard(self, letter: Letter, hold: Hold) -> Outcome:
        """Delete one for good: for a person who has seen to its work in another way."""
        return self._outcome(letter, lambda: self._discarded(letter, hold))

    def _outcome(self, letter: Letter, act: Callable[[], str]) -> Outcome:
        try:
            done, what = True, act()
        except (OpsError, FlowError, ClientError, BotoCoreError) as error:
            done, what = False, str(error)
        return Outcome(
            letter=letter.id, queue=letter.queue, about=letter.about, done=done, what=what
        )

    def _redriven(self, letter: Letter, hold: Hold) -> str:
        if letter.work is None:
            raise OpsError(letter.remedy)
        # Whoever hesitated for too long may have lost it to somebody else, who redrives it too.
        for message in letter.messages:
            hold.keep(message)
        what = self._put_back(letter, letter.work)
        try:
            for message in letter.messages:
                hold.delete(message)
        except (ClientError, BotoCoreError) as error:
            raise OpsError(f"{what}, but its letter is still there: {error}") from error
        return what

    def _discarded(self, letter: Letter, hold: Hold) -> str:
        for message in letter.messages:
            hold.delete(message)
        return "deleted"

    def _put_back(self, letter: Letter, work: Work) -> str:
        match work:
            case Resend():
                return self._resend(letter, work)
            case PollAgain():
                return self._poll_again(work)
            case InvokeAgain():
                return self._once(work, lambda: self._invoke(work))
            case StartAgain():
                return self._once(work, lambda: self._start(letter, work))
            case _:
                assert_never(work)

    def _once(self, key: Hashable, start: Callable[[], str]) -> str:
        """Start what has not been started by this redriver yet."""
        if key not in self._started:
            self._started[key] = start()
        return self._started[key]

    def _resend(self, letter: Letter, work: Resend) -> str:
        [message] = letter.messages
        self._sqs.send_message(
            QueueUrl=work.queue_url,
            MessageBody=message.body,
            MessageAttributes=message.attributes,
        )
        return "back in its queue"

    def _invoke(self, work: InvokeAgain) -> str:
        self._lambda.invoke(FunctionName=work.function_name, InvocationType="Event", Payload=b"{}")
        return f"{work.function_name} is called"

    def _start(self, letter: Letter, work: StartAgain) -> str:
        # Named after the letter, so that a second try starts no second one.
        name = f"redrive-{letter.id}"
        StateMachine(self._states, work.machine_arn).start(name, {})
        return f"started as {name}"

    def _poll_again(self, work: PollAgain) -> str:
        given = work.input
        if given is None:
            given = json.loads(self._executions.at(work.execution_arn).input)
        batch_id = FileBatchRef.parse(given).batch_id
        return self._once(batch_id, lambda: self._start_polling(batch_id, given))

    def _start_polling(self, batch_id: str, given: Mapping[str, Any]) -> str:
        """Start the next execution of a batch: ``{batch}-r1``, ``-r2``, and so on.

        It polls the same batch, so nothing is uploaded again. There are never two at once.
        """
        earlier = [self._executions.named(batch_id)]
        for n in count(1):
            name = f"{batch_id}-r{n}"
            found = self._executions.named(name)
            if found is None:
                break
            earlier.append(found)
        for execution in filter(None, earlier):
            if execution.status in UNDER_WAY:
                raise OpsError(f"{execution.name} polls this file batch now: wait for its end")
        for execution in filter(None, earlier):
            if execution.status == SUCCEEDED:
                return f"{execution.name} has brought it to its end since"
        if not StateMachine(self._states, self._flow).start(name, given):
            raise OpsError(f"{name} was started by somebody else just now")
        return f"polled again by {name}"
