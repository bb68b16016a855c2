"""``VectorStoreBatchFlow`` run for real: every way that a file batch can go."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from openai import OpenAI

from local.embedded import EmbeddedAws
from local.stack import running
from local.standins.openai import BatchPlan, Fault, FileFailure, OpenAIStandIn

PATIENCE_SECONDS = 60

pytestmark = [pytest.mark.embedded]


@dataclass(frozen=True)
class Stack:
    """The real program, deployed, and the OpenAI that it talks to."""

    aws: EmbeddedAws
    openai: OpenAIStandIn
    client: OpenAI

    def batch(self, plan: BatchPlan, *names: str) -> dict[str, Any]:
        """Make a file batch that goes as planned; the execution's input."""
        files = [
            self.client.files.create(file=(name, b"Some text."), purpose="assistants")
            for name in names or ("a.txt", "b.txt")
        ]
        store = self.client.vector_stores.create(name="news/example.com")
        wanted = {file.id for file in files}
        planned = BatchPlan(
            polls=plan.polls,
            status=plan.status,
            failures=plan.failures,
            wrong_objects=plan.wrong_objects,
            when=lambda members: {member.id for member in members} == wanted,
        )
        self.openai.plans.add(planned)
        batch = self.client.vector_stores.file_batches.create(
            store.id, file_ids=[file.id for file in files]
        )
        return {
            "vectorStoreId": store.id,
            "vectorStoreName": "news/example.com",
            "batchId": batch.id,
            "context": {
                "domain": "example.com",
                "type": "news",
                "legalName": None,
                "industries": [],
                "markets": [],
                "customerDomain": batch.id.replace("_", "-"),
                "subjectType": "customer",
            },
        }

    def run(self, execution_input: dict[str, Any]) -> dict[str, Any]:
        """Start the execution named after the batch and wait for its end."""
        client = self.aws.client("stepfunctions")
        arn = client.start_execution(
            stateMachineArn=self.aws.outputs["vectorStoreBatchFlowArn"],
            name=execution_input["batchId"],
            input=json.dumps(execution_input),
        )["executionArn"]

        def ended() -> Any:
            execution = client.describe_execution(executionArn=arn)
            return execution if execution["status"] != "RUNNING" else None

        return dict(eventually(ended))

    def checks(self, execution_arn: str) -> int:
        """How often the batch was checked."""
        history = self.aws.client("stepfunctions").get_execution_history(
            executionArn=execution_arn, maxResults=1000
        )
        scheduled = [e for e in history["events"] if e["type"] == "TaskScheduled"]
        return len(scheduled) - 1

    def letters(self, batch_id: str) -> list[dict[str, Any]]:
        """The dead letters of a batch's execution; they stay in the queue."""
        sqs, url = (
            self.aws.client("sqs"),
            self.aws.outputs["vectorStoreBatchFlowDeadLetterQueueUrl"],
        )
        found: dict[str, dict[str, Any]] = {}
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=2
        ).get("Messages"):
            found |= {m["MessageId"]: json.loads(m["Body"]) for m in messages}
        return [letter for letter in found.values() if batch_id in json.dumps(letter)]

    def analysis(self, customer_domain: str) -> dict[str, Any] | None:
        """What the market analysis made of the notification."""
        answer = self.aws.client("dynamodb").get_item(
            TableName=self.aws.outputs["analysesTableName"],
            Key={
                "pk": {"S": "DOMAIN#example.com"},
                "sk": {"S": f"CUSTOMER#{customer_domain}#SUBJECT#customer"},
            },
        )
        item: dict[str, Any] | None = answer.get("Item")
        return item


def eventually(condition: Callable[[], Any]) -> Any:
    """The condition's value once it is true; it is asked until then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return value


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running(config={"vectorStorePollMaxAttempts": "3"}) as up, up.openai_client() as client:
        assert up.standin
        yield Stack(up.aws, up.standin, client)


@pytest.mark.parametrize(("polls", "checks"), [(0, 1), (2, 3), (3, 4)])
def test_a_batch_that_completes_is_told_of_after_as_many_checks_as_it_took(
    stack: Stack, polls: int, checks: int
) -> None:
    batch = stack.batch(BatchPlan(polls=polls))
    execution = stack.run(batch)
    assert execution["status"] == "SUCCEEDED"
    assert stack.checks(execution["executionArn"]) == checks
    customer = batch["context"]["customerDomain"]
    analysis = eventually(lambda: stack.analysis(customer))
    assert analysis["batchId"] == {"S": batch["batchId"]}
    assert analysis["vectorStoreId"] == {"S": batch["vectorStoreId"]}
    assert stack.letters(batch["batchId"]) == []


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_batch_that_ended_otherwise_fails_the_execution_and_keeps_a_dead_letter(
    stack: Stack, status: Any
) -> None:
    batch = stack.batch(BatchPlan(polls=1, status=status))
    execution = stack.run(batch)
    assert (execution["status"], execution["error"]) == ("FAILED", "BatchFailed")
    assert status in execution["cause"]
    _assert_kept(stack, batch, "BatchFailed")


def test_a_batch_that_never_ends_times_out_and_keeps_a_dead_letter(stack: Stack) -> None:
    batch = stack.batch(BatchPlan(polls=None))
    execution = stack.run(batch)
    assert (execution["status"], execution["error"]) == ("FAILED", "PollTimeout")
    assert stack.checks(execution["executionArn"]) == 4
    _assert_kept(stack, batch, "BatchPending")


def test_a_batch_of_which_some_files_failed_goes_on(stack: Stack) -> None:
    batch = stack.batch(
        BatchPlan(polls=0, failures=[FileFailure(when=lambda file: file.filename == "b.txt")])
    )
    execution = stack.run(batch)
    assert execution["status"] == "SUCCEEDED"
    assert eventually(lambda: stack.analysis(batch["context"]["customerDomain"]))


def test_a_batch_of_which_every_file_failed_fails(stack: Stack) -> None:
    batch = stack.batch(BatchPlan(polls=0, failures=[FileFailure()]))
    execution = stack.run(batch)
    assert (execution["status"], execution["error"]) == ("FAILED", "BatchFailed")
    assert "without any file" in execution["cause"]
    _assert_kept(stack, batch, "BatchFailed")


def test_openais_own_trouble_on_the_way_ends_nothing(stack: Stack) -> None:
    batch = stack.batch(BatchPlan(polls=1))
    mine = batch["batchId"]
    for status in (429, 500):
        stack.openai.faults.add(
            Fault(
                operation="vector_stores.file_batches.retrieve",
                status=status,
                when=lambda request: mine in request.path,
            )
        )
    execution = stack.run(batch)
    assert execution["status"] == "SUCCEEDED"
    assert stack.checks(execution["executionArn"]) == 4  # twice in vain, pending, completed


def test_the_vector_store_in_the_batchs_place_ends_nothing(stack: Stack) -> None:
    execution = stack.run(stack.batch(BatchPlan(polls=0, wrong_objects=1)))
    assert execution["status"] == "SUCCEEDED"


def test_an_input_that_is_no_file_batch_fails_and_keeps_a_dead_letter(stack: Stack) -> None:
    execution = stack.run({"batchId": "vsfb_nonsense"})
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidMessageError")
    assert eventually(lambda: stack.letters("vsfb_nonsense"))


def test_an_aborted_execution_keeps_a_dead_letter_too(stack: Stack) -> None:
    batch = stack.batch(BatchPlan(polls=None))
    client = stack.aws.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=stack.aws.outputs["vectorStoreBatchFlowArn"],
        name=batch["batchId"],
        input=json.dumps(batch),
    )["executionArn"]
    client.stop_execution(executionArn=arn)
    [letter] = eventually(lambda: stack.letters(batch["batchId"]))
    assert letter["detail"]["status"] == "ABORTED"
    assert json.loads(letter["detail"]["input"]) == batch


def _assert_kept(stack: Stack, batch: dict[str, Any], error: str) -> None:
    """One letter from the machine with the whole input, and one from the event rule."""

    def both() -> Sequence[dict[str, Any]] | None:
        letters = stack.letters(batch["batchId"])
        return letters if len(letters) == 2 else None

    by_machine, by_rule = sorted(eventually(both), key=lambda letter: "detail" in letter)
    assert by_machine["input"] == batch
    assert by_machine["error"] == error
    assert by_machine["executionArn"] == by_rule["detail"]["executionArn"]
    assert json.loads(by_rule["detail"]["input"]) == batch
