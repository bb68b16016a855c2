"""The real program's resources in an AWS inside this process, and its functions called as Lambda,
SQS, Step Functions and the scheduler would call them, one at a time."""

import functools
import importlib
import itertools
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.stepfunctions.models import stepfunctions_backends

from functions import observability
from local.aws import ACCOUNT, DEFAULT_REGION, Aws
from local.deployment import Deployment, deploy
from local.stack import PROGRAM
from tests.faults.machines import Machine, StateError
from tests.faults.seam import CrashedError, Seam

OPENAI_KEY = "sk-faults-0123456789abcdefghij"
PINECONE_KEY = "pcsk_faults_0123456789abcdef"
_LAMBDA, _SQS = "arn:aws:states:::lambda:invoke", "arn:aws:states:::sqs:sendMessage"


class FunctionError(Exception):
    """A function failed: under the name that Lambda gives it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type


class Context(LambdaContext):
    """An invocation's context; its time is the virtual one."""

    def __init__(self, request_id: str, function: str, seconds: float) -> None:
        self._aws_request_id = request_id
        self._function_name = function
        self._ends = time.time() + seconds

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # theirs is static
        return max(0, int((self._ends - time.time()) * 1000))


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function of the program. ``timeout`` is in seconds."""

    name: str
    """Its logical name without ``-function``."""
    handler: str
    timeout: float
    environment: Mapping[str, str]

    @property
    def module(self) -> Any:
        """The handler's module."""
        return importlib.import_module(self.handler.rpartition(".")[0])

    def forget(self) -> None:
        """Let the next invocation start a process of its own."""
        for made in vars(self.module).values():
            if getattr(made, "__module__", "") == self.module.__name__:
                getattr(made, "cache_clear", lambda: None)()


@dataclass(frozen=True, kw_only=True)
class Execution:
    """An execution of a state machine as it ended; ``error`` is empty if it succeeded."""

    arn: str
    name: str
    input: Any
    started: float
    ended: float
    error: str


class _InProcess(Aws):
    """moto in this process instead of on a port."""

    def client(self, service: str, caller: str | None = None) -> Any:  # noqa: ARG002
        return _client(service)


@functools.cache
def _client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]


@dataclass(kw_only=True)
class Stack:
    """The deployed program. ``executions`` are those that ``run_executions`` has run, in order."""

    deployment: Deployment
    functions: Mapping[str, Function]
    seam: Seam = field(init=False)
    executions: list[Execution] = field(default_factory=list)
    _requests: Iterator[int] = field(default_factory=itertools.count)

    def output(self, name: str) -> str:
        """A stack output."""
        return str(self.deployment.outputs[name])

    def empty(self) -> None:
        """Let there be nothing in it, and no process that knows of anything."""
        for function in self.functions.values():
            function.forget()
        self.executions.clear()
        for table in self.deployment.of_type("aws:dynamodb/table:Table"):
            dynamodb_backends[ACCOUNT][DEFAULT_REGION].tables[table.outputs["name"]].items.clear()
        for queue in self.deployment.of_type("aws:sqs/queue:Queue"):
            _client("sqs").purge_queue(QueueUrl=queue.outputs["url"])
        for bucket in self.deployment.of_type("aws:s3/bucket:Bucket"):
            boto3.resource("s3").Bucket(bucket.outputs["bucket"]).objects.delete()
        for machine in stepfunctions_backends[ACCOUNT][DEFAULT_REGION].state_machines:
            machine.executions.clear()

    def invoke(self, name: str, event: Any) -> Any:
        """What a function answers; FunctionError if it failed, crashed or took too long."""
        function = self.functions[name]
        if self.seam.is_at_work(name):  # of two at once each has a process of its own
            function.forget()
        context = Context(f"request-{next(self._requests)}", name, function.timeout)
        with (
            _environment(function.environment),
            self.seam.at_work(name, function.timeout) as invocation,
        ):
            try:
                answer = function.module.handler(json.loads(json.dumps(event)), context)
            except CrashedError as error:
                function.forget()
                raise FunctionError("Runtime.ExitError", f"{name} crashed") from error
            except Exception as error:
                if not invocation.crashed:
                    raise FunctionError(type(error).__name__, str(error)) from error
            finally:
                observability.forget_metrics()
        if invocation.crashed:  # whatever it made of that, there was nobody left to say it
            function.forget()
            raise FunctionError("Runtime.ExitError", f"{name} crashed")
        return json.loads(json.dumps(answer))

    def send(self, queue_output: str, body: Mapping[str, Any] | str) -> None:
        """Put a message into the queue of that stack output."""
        text = body if isinstance(body, str) else json.dumps(body)
        _client("sqs").send_message(QueueUrl=self.output(queue_output), MessageBody=text)

    def items(self, table_output: str) -> list[dict[str, Any]]:
        """All items of the table of that stack output, as plain Python values."""
        pages = (
            _client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self.output(table_output), ConsistentRead=True)
        )
        read = TypeDeserializer().deserialize
        return [
            {name: read(value) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]

    def put_items(self, table_output: str, items: Iterable[Mapping[str, Any]]) -> None:
        """Write whole items into the table of that stack output."""
        write = TypeSerializer().serialize
        for item in items:
            _client("dynamodb").put_item(
                TableName=self.output(table_output),
                Item={name: write(value) for name, value in item.items()},
            )

    def receive(self, queue_url: str, most: int) -> list[dict[str, Any]]:
        """The records of the messages that are visible, at most ``most``."""
        received = _client("sqs").receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=min(most, 10), AttributeNames=["All"]
        )
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            for message in received.get("Messages", [])
        ]

    def feed(self, function: str, queue_output: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Have a function work on records, and delete those that it does not give back."""
        try:
            answer = self.invoke(function, {"Records": records})
        except FunctionError:
            return  # all of them come again when their visibility timeout ends
        given_back = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in given_back:
                _client("sqs").delete_message(
                    QueueUrl=self.output(queue_output), ReceiptHandle=record["receiptHandle"]
                )

    def run_machine(self, output: str, name: str, execution_input: Any) -> Execution:
        """Run an execution of the state machine of that stack output from its start to its end."""
        machine_arn = self.output(output)
        definition = _client("stepfunctions").describe_state_machine(stateMachineArn=machine_arn)
        arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        machine = Machine(
            definition=json.loads(definition["definition"]),
            task=self._task,
            read_object=lambda bucket, key: (
                _client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            ),
        )
        started, error = time.time(), ""
        try:
            machine.run(arn, execution_input)
        except StateError as failed:
            error = failed.error
        execution = Execution(
            arn=arn,
            name=name,
            input=execution_input,
            started=started,
            ended=time.time(),
            error=error,
        )
        self.executions.append(execution)
        return execution

    def started_executions(self, output: str) -> list[tuple[str, Any]]:
        """The names and inputs of the executions that were started, the oldest first."""
        # From moto itself, as asking for each takes longer than all else of a run together.
        machine = stepfunctions_backends[ACCOUNT][DEFAULT_REGION].describe_state_machine(
            self.output(output)
        )
        return [(e.name, json.loads(e.execution_input)) for e in machine.executions]

    def _task(self, resource: str, parameters: Mapping[str, Any]) -> Any:
        if resource == _LAMBDA:
            return {"Payload": self._invoked(parameters["FunctionName"], parameters["Payload"])}
        if resource == _SQS:
            body = parameters["MessageBody"]
            _client("sqs").send_message(
                QueueUrl=parameters["QueueUrl"], MessageBody=json.dumps(body)
            )
            return {}
        raise NotImplementedError(resource)

    def _invoked(self, arn: str, payload: Any) -> Any:
        [name] = [
            _logical(resource.name)
            for resource in self.deployment.of_type("aws:lambda/function:Function")
            if resource.outputs["arn"] == arn
        ]
        try:
            return self.invoke(name, payload)
        except FunctionError as error:
            raise StateError(error.error_type, str(error)) from error


def deployed(
    *, openai_base_url: str, pinecone_host: str, config: Mapping[str, str] | None = None
) -> Stack:
    """The stack ``local`` in moto, which must be in place, with ``config`` on top."""
    _client.cache_clear()
    deployment = deploy(
        _InProcess(),
        program=PROGRAM,
        stack="local",
        config={
            "openaiBaseUrl": openai_base_url,
            "pineconeIndexHost": pinecone_host,
            **(config or {}),
        },
        secrets={"openaiApiKey": OPENAI_KEY, "pineconeApiKey": PINECONE_KEY},
    )
    functions = {
        _logical(resource.name): Function(
            name=_logical(resource.name),
            handler=resource.inputs["handler"],
            timeout=resource.inputs["timeout"],
            environment=resource.inputs["environment"]["variables"],
        )
        for resource in deployment.of_type("aws:lambda/function:Function")
    }
    for function in functions.values():
        function.forget()
    return Stack(deployment=deployment, functions=functions)


def _logical(name: str) -> str:
    return name.removesuffix("-function")


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield
