"""Whatever ends ``redrive`` on its way, the work of a letter is back or the letter still there."""

import argparse
import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from botocore.client import BaseClient
from moto.awslambda.models import LambdaBackend
from moto.sqs.models import sqs_backends
from moto.stepfunctions.models import stepfunctions_backends

from ops.commands import redrive
from ops.letters.queues import DeadLetterQueue
from ops.letters.redriving import Redriver
from ops.screen import Screen
from ops.stack import Stack
from tests.functions.conftest import REGION
from tests.ops.dead_letters import ACCOUNT, DOCUMENT, Post, bodies

# What only looks cannot lose anything.
_LOOKS = {"GetQueueAttributes", "BatchGetItem"}


class Crash(BaseException):
    """The process is no more."""


class Calls:
    """Lets calls through until the one at which the process ends, before or after it is made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._until: int | None = None
        self._before = True
        original: Any = vars(BaseClient)["_make_api_call"]

        def call(client: Any, operation: str, arguments: Any) -> Any:
            if self._until is None or operation in _LOOKS:
                return original(client, operation, arguments)
            self._until -= 1
            if self._until < 0 and (self._before or self._until < -1):
                raise Crash
            answer = original(client, operation, arguments)
            if self._until < 0:
                raise Crash
            return answer

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    def crash_at(self, n: int, *, before: bool) -> None:
        self._until, self._before = n, before

    def go_on(self) -> None:
        self._until = None


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of functions that were called."""
    names: list[str] = []

    def invoke(_: LambdaBackend, name: str, *rest: object) -> bytes:
        names.append(name)
        return b""

    monkeypatch.setattr(LambdaBackend, "invoke", invoke)
    return names


def redrive_all(stack: Stack, queue: DeadLetterQueue) -> int:
    parser = argparse.ArgumentParser()
    redrive.add(parser)
    options = parser.parse_args(["--all", "--queue", queue])
    return redrive.run(options, stack, Screen(as_json=True))


def time_passes() -> None:
    """What a crash left in nobody's hands is seen again, and executions come to their end."""
    for queue in sqs_backends[ACCOUNT][REGION].queues.values():
        for message in queue._messages:
            message.visible_at = 0
    for machine in stepfunctions_backends[ACCOUNT][REGION].state_machines:
        for execution in machine.executions:
            if execution.status == "RUNNING":
                execution.status = "SUCCEEDED"


Lay = Callable[[Post, int], Callable[[], int]]
"""Lays a letter of its own for a number; what that returns counts how often its work is back."""


def a_document(post: Post, n: int) -> Callable[[], int]:
    body = json.dumps(DOCUMENT | {"requestId": str(n)})
    post.document(body)
    return lambda: bodies(post.stack.outputs.download_queue_url).count(body)


def an_execution(post: Post, n: int) -> Callable[[], int]:
    batch = f"vsfb_{n}"
    post.ended(batch, of=batch)
    post.execution(batch, of=batch)
    return lambda: _started(post, post.stack.outputs.vector_store_batch_flow_arn, f"{batch}-r")


def a_poll(post: Post, n: int) -> Callable[[], int]:
    machine = post.stack.outputs.completion_poll_flow_arn
    id_ = post.unstarted(DeadLetterQueue.COMPLETION, machine)
    return lambda: _started(post, machine, f"redrive-{id_}")


def _started(post: Post, machine: str, name: str) -> int:
    """How many executions have a name that begins so."""
    listed = post.stack.client("stepfunctions").list_executions(stateMachineArn=machine)
    return sum(each["name"].startswith(name) for each in listed["executions"])


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("queue", "lay", "most"),
    [
        (DeadLetterQueue.DOWNLOAD, a_document, 2),
        (DeadLetterQueue.VECTOR_STORE_BATCH, an_execution, 1),
        (DeadLetterQueue.COMPLETION, a_poll, 1),
    ],
)
def test_a_crash_anywhere_loses_nothing(
    stack: Stack,
    calls: Calls,
    capsys: pytest.CaptureFixture[str],
    queue: DeadLetterQueue,
    lay: Lay,
    most: int,
    before: bool,
) -> None:
    post, url = Post(stack), queue.url(stack.outputs)
    for n in count():
        times_back = lay(post, n)
        calls.crash_at(n, before=before)
        try:
            redrive_all(stack, queue)
            crashed = False
        except Crash:
            crashed = True
        calls.go_on()
        time_passes()

        assert times_back() or bodies(url), f"lost at call {n}"

        assert redrive_all(stack, queue) == 0
        assert 1 <= times_back() <= most, f"done {times_back()} times after call {n}"
        assert bodies(url) == []
        if not crashed:
            break
    assert n > 3, "too few calls were met"
    capsys.readouterr()


def test_a_function_is_called_again_rather_than_not_at_all(
    stack: Stack, calls: Calls, invoked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    post, url = Post(stack), DeadLetterQueue.FILE_SWEEP.url(stack.outputs)
    post.failed_call(DeadLetterQueue.FILE_SWEEP, "sweep", errorMessage="no")
    calls.crash_at(3, before=False)
    with pytest.raises(Crash):
        redrive_all(stack, DeadLetterQueue.FILE_SWEEP)
    calls.go_on()
    time_passes()
    assert bodies(url) or invoked
    assert redrive_all(stack, DeadLetterQueue.FILE_SWEEP) == 0
    assert invoked
    assert bodies(url) == []
    capsys.readouterr()


def test_a_letter_that_cannot_be_deleted_is_told_of_with_what_was_done(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original: Any = vars(BaseClient)["_make_api_call"]

    def call(client: Any, operation: str, arguments: Any) -> Any:
        if operation == "DeleteMessage":
            raise client.exceptions.ClientError(
                {"Error": {"Code": "AccessDenied", "Message": "not you"}}, operation
            )
        return original(client, operation, arguments)

    post = Post(stack)
    post.document()
    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    assert redrive_all(stack, DeadLetterQueue.DOWNLOAD) == 1
    [outcome] = json.loads(capsys.readouterr().out)["outcomes"]
    assert not outcome["done"]
    assert outcome["what"].startswith("back in its queue, but its letter is still there")
    assert "not you" in outcome["what"]
    assert len(bodies(DeadLetterQueue.DOWNLOAD.url(stack.outputs))) == 1


def test_a_letter_that_somebody_else_took_meanwhile_is_not_put_back_twice(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    post, url = Post(stack), DeadLetterQueue.DOWNLOAD.url(stack.outputs)
    post.document()
    put_back = Redriver.redrive

    def after_somebody_else(*arguments: Any) -> Any:
        time_passes()
        [message] = stack.client("sqs").receive_message(QueueUrl=url)["Messages"]
        stack.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return put_back(*arguments)

    monkeypatch.setattr(Redriver, "redrive", after_somebody_else)
    assert redrive_all(stack, DeadLetterQueue.DOWNLOAD) == 1
    assert bodies(stack.outputs.download_queue_url) == []
    capsys.readouterr()
