"""The deployed program, and what can be made to go wrong around it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self

from local.calls_made import STATE_MACHINES
from local.embedded import EmbeddedAws
from local.receipts.destination import Destination
from local.stack import LocalStack
from local.standins.openai import Fault, OpenAIStandIn
from local.standins.pinecone import PineconeStandIn
from tests.local.aws_faults import AwsFault, AwsFaults, kill
from tests.local.histories import deployed_states
from tests.local.label_batches import LabelBatches
from tests.local.test_vector_store_batch_flow import Stack

PATIENCE_SECONDS = 240
FILES, LABELS = "vectorStoreBatchFlowArn", "completionPollFlowArn"
"""The outputs that have the machines' ARNs."""


@dataclass(frozen=True, kw_only=True)
class World:
    """The program, deployed, and what can go wrong around it until a test ends."""

    stack: LocalStack
    documents: Stack
    labels: LabelBatches
    requests: AwsFaults
    cleanup: ExitStack

    @classmethod
    @contextmanager
    def around(cls, stack: LocalStack) -> Iterator[Self]:
        """Of a stack with stand-ins; when the block ends nothing goes wrong any more."""
        assert stack.standin is not None
        assert stack.vectors is not None
        requests = AwsFaults()
        with requests.inflicted(), stack.openai_client() as client, ExitStack() as cleanup:
            cleanup.callback(stack.standin.faults.clear)
            cleanup.callback(stack.vectors.faults.clear)
            yield cls(
                stack=stack,
                documents=Stack(stack.aws, stack.standin, client),
                labels=LabelBatches(stack=stack),
                requests=requests,
                cleanup=cleanup,
            )

    @property
    def aws(self) -> EmbeddedAws:
        return self.stack.aws

    @property
    def openai(self) -> OpenAIStandIn:
        assert self.stack.standin is not None
        return self.stack.standin

    @property
    def pinecone(self) -> PineconeStandIn:
        assert self.stack.vectors is not None
        return self.stack.vectors

    def states(self, machine: str) -> dict[str, dict[str, Any]]:
        """By name, of the machine of that output."""
        return deployed_states(self.aws.client("stepfunctions"), self.aws.outputs[machine])

    def function(self, state: str) -> str:
        """The name of the function that a state calls."""
        found = self.states(FILES) | self.states(LABELS)
        return str(found[state]["Parameters"]["FunctionName"]).rpartition(":")[2]

    def run(self, machine: str, **execution_input: Any) -> dict[str, Any]:
        """An execution of the machine of that output, once it is over."""
        states = self.aws.client("stepfunctions")
        execution_arn = states.start_execution(
            stateMachineArn=self.aws.outputs[machine], input=json.dumps(execution_input)
        )["executionArn"]

        def over() -> Any:
            found = states.describe_execution(executionArn=execution_arn)
            return None if found["status"] == "RUNNING" else found

        return dict(eventually(over))

    def waiting(self, queue: str) -> int:
        """How many messages are in the queue of that output, visible or not."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        answer = self.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.aws.outputs[queue], AttributeNames=names
        )
        return sum(map(int, answer["Attributes"].values()))


Inflict = Callable[[World, str], object]
"""Has something go wrong in the world, with a state."""


def eventually(condition: Callable[[], Any]) -> Any:
    """The condition's value once it is true; it is asked until then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return value


def killed(operation: str, at: Literal["before", "after"], about: str = "") -> Inflict:
    """The function's process is killed on one side of what this request of its does."""

    def inflict(world: World, state: str) -> None:
        name = world.function(state)
        strike = partial(kill, world.aws, name)
        world.requests.add(
            AwsFault(
                caller=name,
                operation=operation,
                about=about,
                before=strike if at == "before" else None,
                after=strike if at == "after" else None,
                # Nobody is there to be told.
                refusal="InternalServerError" if at == "before" else None,
            )
        )

    return inflict


def queue_refuses(queue: str, *, too_late: bool = False) -> Inflict:
    """The machine is told that the queue of that output is gone."""

    def inflict(world: World, _state: str) -> None:
        world.requests.add(
            AwsFault(
                caller=STATE_MACHINES,
                operation="SendMessage",
                about=world.aws.outputs[queue],
                refusal="AWS.SimpleQueueService.NonExistentQueue",
                too_late=too_late,
            )
        )

    return inflict


def times_out(world: World, state: str) -> None:
    """OpenAI takes longer than the function has at its first call."""
    client, name = world.aws.client("lambda"), world.function(state)
    usual = client.get_function_configuration(FunctionName=name)["Timeout"]
    for seconds in (5, usual):
        have = partial(client.update_function_configuration, FunctionName=name, Timeout=seconds)
        world.requests.add(
            AwsFault(
                caller=STATE_MACHINES, operation="POST", about=f":{name}/invocations", before=have
            )
        )
    world.openai.faults.add(Fault(operation="vector_stores.file_batches.retrieve", delay=9))


def openai_fails(operation: str, **how: Any) -> Inflict:
    return lambda world, _state: world.openai.faults.add(Fault(operation=operation, **how))


def pinecone_fails(operation: str, **how: Any) -> Inflict:
    return lambda world, _state: world.pinecone.faults.add(Fault(operation=operation, **how))


def object_is_gone(reader: str, suffix: str) -> Inflict:
    """An object is gone when ``reader``, a state or the machine, asks for it for the first time."""

    def inflict(world: World, _state: str) -> None:
        s3, bucket = world.aws.client("s3"), world.aws.outputs["batchBucketName"]

        def delete() -> None:
            [batch] = [b for b in world.labels.look().batches if b.status == "PENDING"]
            s3.delete_object(Bucket=bucket, Key=f"batches/{batch.batch_id}/{suffix}")

        caller = STATE_MACHINES if reader == STATE_MACHINES else world.function(reader)
        world.requests.add(
            AwsFault(caller=caller, operation="GET", about=f"/{suffix}", before=delete)
        )

    return inflict


def targets_are_gone(world: World, _state: str) -> None:
    """S3 does not have the targets of one of the batches, until the next run."""
    s3, bucket = world.aws.client("s3"), world.aws.outputs["batchBucketName"]
    key = next(b for b in world.labels.look().batches if b.status == "PENDING").targets_key
    kept = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)
    world.cleanup.callback(s3.put_object, Bucket=bucket, Key=key, Body=kept)


def lease_runs_out(world: World) -> None:
    """The time of the worker that was killed is over."""
    table = Destination.of(world.stack).table()
    table.update({"PK": "LEASE", "SK": "PROJECTION"}, {"until": 0})
