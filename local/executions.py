"""Executions of moto's state machines: their names, and their end with the embedded AWS."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.utils import TMP_THREADS

from local.aws import Aws
from local.seams import Seam, SeamError

START = Seam(
    "moto.stepfunctions.parser.models:StepFunctionsParserBackend",
    "start_execution",
    ("self", "state_machine_arn", "name", "execution_input", "trace_header"),
)
PARSE = Seam(
    "moto.stepfunctions.parser.asl.parse.asl_parser:AmazonStateLanguageParser",
    "parse",
    ("definition",),
)
_END_SECONDS = 5


@contextmanager
def named() -> Iterator[None]:
    """While the block runs, an execution that is given no name gets one of its own, as in AWS.

    moto calls each of them ``None``, and so refuses the second.
    """

    def starting(original: Any) -> Any:
        def start_execution(
            self: Any,
            state_machine_arn: str,
            name: str | None = None,
            execution_input: Any = None,
            trace_header: Any = None,
        ) -> Any:
            name = name or str(uuid.uuid4())
            return original(self, state_machine_arn, name, execution_input, trace_header)

        return start_execution

    with START.replaced(starting):
        yield


@contextmanager
def parsed_one_at_a_time() -> Iterator[None]:
    """While the block runs, definitions are parsed one after another.

    moto parses one whenever an execution starts, and keeps where it is in a list that all threads
    share: of two that start at once, one now and then stays RUNNING with nobody to run it.
    """
    one_at_a_time = threading.Lock()

    def parsing(original: Any) -> Any:
        def parse(definition: str) -> Any:
            with one_at_a_time:
                return original(definition)

        return parse

    with PARSE.replaced(parsing):
        yield


@contextmanager
def ended_with(aws: Aws, stopping: threading.Event) -> Iterator[None]:
    """When the block ends, so does every execution, which otherwise runs on in a thread of moto's.

    ``stopping`` wakes those that pause between two tries.
    """
    with _waking(stopping):
        try:
            yield
        finally:
            stopping.set()
            for arn in list(_running(aws)):
                # One that ends by itself meanwhile is as good.
                with suppress(BotoCoreError, ClientError):
                    aws.client("stepfunctions").stop_execution(executionArn=arn)
            _join(time.monotonic() + _END_SECONDS)


@contextmanager
def _waking(stopping: threading.Event) -> Iterator[None]:
    """moto pauses between retries with ``time.sleep``, which nothing interrupts."""
    names = vars(retrier_decl)
    if names.get("time") is not time:
        raise SeamError("moto's retrier no longer sleeps with the time module: see local/seams.py")
    names["time"] = SimpleNamespace(sleep=stopping.wait)
    try:
        yield
    finally:
        names["time"] = time


def _running(aws: Aws) -> Iterator[str]:
    client = aws.client("stepfunctions")
    for machines in client.get_paginator("list_state_machines").paginate():
        for machine in machines["stateMachines"]:
            pages = client.get_paginator("list_executions").paginate(
                stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING"
            )
            for page in pages:
                yield from (execution["executionArn"] for execution in page["executions"])


def _join(deadline: float) -> None:
    """moto keeps every thread it ever started; wait for them and let them go."""
    while TMP_THREADS:
        TMP_THREADS.pop().join(max(0.0, deadline - time.monotonic()))
