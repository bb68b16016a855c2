"""Everything that a run has written anywhere: places, each with what is in it."""

import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pulumi
import pytest
from moto.backends import get_backend

from local.aws import ACCOUNT
from local.calls_made import REQUEST
from local.engine import EmbeddedEngine
from local.stack import LocalStack
from local.standins.openai import OpenAIStandIn
from local.standins.pinecone import PineconeStandIn

Written = Iterator[tuple[str, bytes]]
"""Names, for a message, with what was written."""

_SECRET_MARK = "4dabf18193072939515e22adb298388d"
# The one service that is there to be told the keys, and to tell them.
_WHERE_KEYS_BELONG = "/secretsmanager/"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A stack that is up, with all that was noted of it from the beginning."""

    stack: LocalStack
    openai: OpenAIStandIn
    pinecone: PineconeStandIn
    scratch: Path
    """Where this process puts its temporary files."""
    traffic: "Traffic"
    registered: "Registered"

    def client(self, service: str) -> Any:
        """A client of its AWS."""
        return self.stack.aws.client(service)


@dataclass
class Traffic:
    """What AWS was told and what it said, without Secrets Manager's own."""

    _exchanges: list[tuple[str, bytes]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        with self._lock:
            return iter(list(self._exchanges))

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note all until the block ends."""

        def noting(original: Any) -> Any:
            def answer(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
                body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                environ["wsgi.input"] = BytesIO(body)
                answered = b"".join(original(self, environ, start_response))
                note(environ, body, answered)
                return [answered]

            return answer

        def note(environ: Mapping[str, Any], body: bytes, answered: bytes) -> None:
            if _WHERE_KEYS_BELONG in environ.get("HTTP_AUTHORIZATION", ""):
                return
            asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            query = environ.get("QUERY_STRING", "").encode()
            with self._lock:
                self._exchanges.append((asked, b"\n".join((asked.encode(), query, body, answered))))

        with REQUEST.replaced(noting):
            yield


@dataclass
class Registered:
    """The inputs of each resource, as they came to the engine."""

    inputs: list[tuple[str, Any]] = field(default_factory=list)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note all until the block ends."""
        create = EmbeddedEngine.new_resource

        def noting(
            engine: EmbeddedEngine, args: pulumi.runtime.MockResourceArgs
        ) -> tuple[str | None, dict[str, Any]]:
            self.inputs.append((f"{args.typ} {args.name}", dict(args.inputs)))
            return create(engine, args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(EmbeddedEngine, "new_resource", noting)
            yield


def without_secrets(inputs: Any) -> Any:
    """Inputs without what is wrapped as a secret."""
    if isinstance(inputs, Mapping):
        if _SECRET_MARK in inputs:
            return None
        return {name: without_secrets(value) for name, value in inputs.items()}
    return [without_secrets(value) for value in inputs] if isinstance(inputs, list) else inputs


def _inputs(run: Run) -> Written:
    for name, inputs in run.registered.inputs:
        yield name, _text(without_secrets(inputs))


def _outputs(run: Run) -> Written:
    yield "the stack's outputs", _text(run.stack.aws.outputs)


def _function_environments(run: Run) -> Written:
    for page in run.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            yield function["FunctionName"], _text(function)


def _process_environments(_run: Run) -> Written:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if f"PPid:\t{os.getpid()}\n" in (process / "status").read_text():
                for what in ("environ", "cmdline"):
                    yield str(process / what), (process / what).read_bytes()


def _state_machines(run: Run) -> Written:
    for machine in run.client("stepfunctions").list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        yield arn, _text(run.client("stepfunctions").describe_state_machine(stateMachineArn=arn))


def _executions(run: Run) -> Written:
    states = run.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        found = states.get_paginator("list_executions").paginate(
            stateMachineArn=machine["stateMachineArn"]
        )
        for execution in (execution for page in found for execution in page["executions"]):
            arn = execution["executionArn"]
            yield arn, _text(states.describe_execution(executionArn=arn))
            history = states.get_paginator("get_execution_history").paginate(executionArn=arn)
            for event in (event for page in history for event in page["events"]):
                yield f"{arn}, event {event['id']}", _text(event)


def _messages(run: Run) -> Written:
    """Those in flight too, which no API shows."""
    backend: Any = get_backend("sqs")[ACCOUNT][run.stack.aws.region]
    for queue in backend.queues.values():
        for message in queue._messages:
            yield queue.name, _text([message.body, message.message_attributes])


def _items(run: Run) -> Written:
    dynamodb = run.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield table, _text(item)


def _objects(run: Run) -> Written:
    s3 = run.client("s3")
    for bucket in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for key in (found["Key"] for found in page.get("Contents", [])):
                body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                yield f"{bucket}/{key}", key.encode() + b"\n" + body


def _log_files(run: Run) -> Written:
    yield from files(run.stack.aws.logs_dir)


def _log_events(run: Run) -> Written:
    logs = run.client("logs")
    for group in (each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]):
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            for event in page["events"]:
                yield group, event["message"].encode()


def _traffic(run: Run) -> Written:
    yield from run.traffic


def _told_to_standins(run: Run) -> Written:
    """Without the header that is there to carry the key."""
    for call in (*run.openai.calls, *run.pinecone.calls):
        yield call.operation, _text([call.path, call.body])
    for file in run.openai.files.values():
        yield file.filename, file.content
    for id_, vector in run.pinecone.vectors(run.stack.namespace).items():
        yield id_, _text([id_, vector.metadata])


def _temporary_files(run: Run) -> Written:
    yield from files(run.scratch)


def _bundle(run: Run) -> Written:
    """What goes to Lambda, and what runs here in its place."""
    for path in {inputs["code"].path for _, inputs in run.registered.inputs if "code" in inputs}:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    yield from files(run.stack.aws.code_dir)


PLACES: Mapping[str, Callable[[Run], Written]] = {
    "inputs of resources": _inputs,
    "outputs of the stack": _outputs,
    "environments of functions": _function_environments,
    "environments of processes": _process_environments,
    "state machines": _state_machines,
    "executions": _executions,
    "messages in queues": _messages,
    "items of tables": _items,
    "objects in buckets": _objects,
    "log files": _log_files,
    "log events": _log_events,
    "traffic with AWS": _traffic,
    "traffic with stand-ins": _told_to_standins,
    "temporary files": _temporary_files,
    "bundle": _bundle,
}


def files(directory: Path) -> Written:
    """Every file below a directory."""
    for file in directory.rglob("*"):
        with suppress(FileNotFoundError):  # a temporary one
            if file.is_file():
                yield str(file), file.read_bytes()


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode(errors="replace")
