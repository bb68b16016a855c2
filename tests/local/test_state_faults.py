"""One real fault for each state of each machine, in real time: nothing is lost or done twice."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from local.calls_made import STATE_MACHINES
from local.stack import LocalStack, running
from local.standins.openai import BatchPlan, FileFailure
from tests.local import label_batches
from tests.local.faulty_world import (
    FILES,
    LABELS,
    Inflict,
    World,
    eventually,
    killed,
    lease_runs_out,
    object_is_gone,
    openai_fails,
    pinecone_fails,
    queue_refuses,
    targets_are_gone,
    times_out,
)
from tests.local.histories import entered, failures, history

CHECKED = BatchPlan(polls=0, failures=[FileFailure(when=lambda file: file.filename == "b.txt")])
CONFIG = {**label_batches.CONFIG, "vectorStorePollMaxAttempts": "1"}

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.timeout(600),
]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What goes wrong with ``state``, what it fails with, and all states on the way from there.

    ``error`` is empty where moto's history names none, and None inside a Distributed Map, whose
    children have no history here.
    """

    state: str
    what: str
    inflict: Inflict
    error: str | None
    way: frozenset[str]
    status: str = "SUCCEEDED"
    failing: str = ""
    """The state that the history has the error of, if that is another one."""
    plan: BatchPlan = CHECKED
    batches: int = 1
    recover: Callable[[World], object] | None = None
    """What happens before the next run, which then mends the rest."""

    def __str__(self) -> str:
        return f"{self.state} {self.what}"


TOLD = frozenset({"CheckBatchStatus", "NotifyMarketAnalysis", "Notified"})
DOCUMENT_CASES = (
    Case(
        state="CheckBatchStatus",
        what="is killed",
        inflict=killed("UpdateItem", "after"),
        error="Runtime.ExitError",
        way=TOLD,
    ),
    Case(
        state="CheckBatchStatus",
        what="runs into its time-out",
        inflict=times_out,
        error="Sandbox.Timedout",
        way=TOLD,
    ),
    Case(
        state="CheckBatchStatus",
        what="is not answered by OpenAI",
        inflict=openai_fails("vector_stores.file_batches.retrieve", drop="before"),
        error="OpenAIUnavailableError",
        way=TOLD,
    ),
    Case(
        state="NotifyMarketAnalysis",
        what="finds no queue",
        inflict=queue_refuses("marketAnalysisQueueUrl"),
        error="SQS.SdkClientException",
        way=TOLD,
    ),
    Case(
        state="NotifyMarketAnalysis",
        what="loses the queue's answer",
        inflict=queue_refuses("marketAnalysisQueueUrl", too_late=True),
        error="SQS.SdkClientException",
        way=TOLD,
    ),
    Case(
        state="KeepFailedBatch",
        what="finds no queue",
        inflict=queue_refuses("vectorStoreBatchFlowDeadLetterQueueUrl"),
        error="SQS.SdkClientException",
        plan=BatchPlan(polls=0, status="failed"),
        way=frozenset({"CheckBatchStatus", "KeepFailedBatch", "BatchDidNotComplete"}),
        status="FAILED",
    ),
    Case(
        state="KeepTimedOutBatch",
        what="finds no queue",
        inflict=queue_refuses("vectorStoreBatchFlowDeadLetterQueueUrl"),
        error="SQS.SdkClientException",
        plan=BatchPlan(polls=None),
        way=frozenset({"CheckBatchStatus", "KeepTimedOutBatch", "PollTimeout"}),
        status="FAILED",
    ),
)

_BEFORE = frozenset({"ListPendingBatches", "AnythingToDo", "ForEachBatch", "Collect"})
_BATCH = _BEFORE | {"ApplyChunks", "Finish"}
_PROJECTED = frozenset({"Project", "AnythingLeft"})
_LEFT = _PROJECTED | {"LeftForNextRun", "BatchesLeft"}
DONE = _BATCH | _PROJECTED | {"Done"}
LABEL_CASES = (
    Case(
        state="ListPendingBatches",
        what="is killed when it has taken a batch",
        inflict=killed("UpdateItem", "after"),
        error="Runtime.ExitError",
        way=DONE,
    ),
    Case(
        state="ForEachBatch",
        what="has a batch that cannot be collected, and another",
        inflict=targets_are_gone,
        failing="Collect",
        error="InvalidItemError",
        way=_BATCH | _LEFT,
        status="FAILED",
        batches=2,
        recover=lambda world: world.cleanup.close(),
    ),
    Case(
        state="Collect",
        what="is killed when it has cut a chunk",
        inflict=killed("PUT", "after", about=".entries.jsonl"),
        error="Runtime.ExitError",
        way=DONE,
    ),
    Case(
        state="Collect",
        what="is not answered by OpenAI",
        inflict=openai_fails("files.content", status=500),
        error="OpenAIUnavailableError",
        way=DONE,
    ),
    Case(
        state="ApplyChunks",
        what="finds no list of chunks",
        inflict=object_is_gone(STATE_MACHINES, "chunks.json"),
        error="",
        way=_BEFORE | {"ApplyChunks"} | _LEFT,
        status="FAILED",
    ),
    Case(
        state="Apply",
        what="is killed when it is about to judge",
        inflict=killed("TransactWriteItems", "before"),
        error=None,
        way=DONE,
    ),
    Case(
        state="Apply",
        what="is killed when it has judged",
        inflict=killed("TransactWriteItems", "after"),
        error=None,
        way=DONE,
    ),
    Case(
        state="Finish",
        what="counts too few, as a chunk was gone",
        inflict=object_is_gone("Apply", "chunks/00001.entries.jsonl"),
        error="CountsDisagreeError",
        way=_BATCH | _LEFT,
        status="FAILED",
    ),
    Case(
        state="Finish",
        what="is killed when it has ended the batch",
        inflict=killed("TransactWriteItems", "after"),
        error="Runtime.ExitError",
        way=DONE,
    ),
    Case(
        state="Project",
        what="finds Pinecone down",
        # The SDK asks four times.
        inflict=pinecone_fails("fetch", status=503, times=4),
        error="PineconeUnavailableError",
        way=DONE,
    ),
    Case(
        state="Project",
        what="is killed when it has written",
        inflict=killed("TransactWriteItems", "before"),
        error="Runtime.ExitError",
        way=DONE,
        recover=lease_runs_out,
    ),
    Case(
        state="Project",
        what="is refused by Pinecone",
        inflict=pinecone_fails("fetch", status=403),
        error="PineconeRejectedError",
        way=_BATCH | {"Project", "ProjectionFailed"},
        status="FAILED",
    ),
)
CASES = {FILES: DOCUMENT_CASES, LABELS: LABEL_CASES}


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with running(config=CONFIG) as up:
        yield up


@pytest.fixture
def world(stack: LocalStack) -> Iterator[World]:
    with World.around(stack) as around:
        yield around


def test_every_state_that_does_something_has_a_fault_and_the_others_are_on_the_way(
    world: World,
) -> None:
    machines = world.aws.client("stepfunctions").list_state_machines()["stateMachines"]
    assert {m["stateMachineArn"] for m in machines} == {world.aws.outputs[m] for m in CASES}
    for machine, cases in CASES.items():
        states = world.states(machine)
        working = {name for name, state in states.items() if state["Type"] in ("Task", "Map")}
        assert {case.state for case in cases} == working
        ways = frozenset[str]().union(*(case.way for case in cases))
        assert states.keys() - working <= ways, "no fault leads through these states"


@pytest.mark.parametrize("case", DOCUMENT_CASES, ids=str)
def test_a_file_batch_ends_once_whatever_befalls_a_state(world: World, case: Case) -> None:
    batch = world.documents.batch(case.plan)
    case.inflict(world, case.state)

    execution = world.run(FILES, **batch)

    went_as_planned(world, case, execution)
    if case.status == "SUCCEEDED":
        analysed_once(world, batch)
        assert world.documents.letters(batch["batchId"]) == []
    else:
        kept(world, batch, execution)


@pytest.mark.parametrize("case", LABEL_CASES, ids=str)
def test_labels_are_judged_once_whatever_befalls_a_state(world: World, case: Case) -> None:
    world.labels.ask(case.batches)
    case.inflict(world, case.state)

    went_as_planned(world, case, world.run(LABELS))

    if case.recover:
        case.recover(world)
    assert world.run(LABELS)["status"] == "SUCCEEDED"
    assert world.labels.complaints() == []


def test_an_execution_that_takes_too_long_leaves_its_dead_letter(world: World) -> None:
    states, machine = world.aws.client("stepfunctions"), world.aws.outputs[FILES]
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    world.cleanup.callback(
        states.update_state_machine, stateMachineArn=machine, definition=definition
    )
    # As configured, it takes a minute or more.
    hasty = json.dumps({**json.loads(definition), "TimeoutSeconds": 1})
    states.update_state_machine(stateMachineArn=machine, definition=hasty)
    batch = world.documents.batch(BatchPlan(polls=None))

    assert world.run(FILES, **batch)["status"] == "TIMED_OUT"

    [letter] = eventually(lambda: world.documents.letters(batch["batchId"]))
    assert letter["detail"]["status"] == "TIMED_OUT"
    assert json.loads(letter["detail"]["input"]) == batch


def went_as_planned(world: World, case: Case, execution: dict[str, Any]) -> None:
    """The fault was met, where it should be, and the machine went on as it should."""
    events = history(world.aws.client("stepfunctions"), execution["executionArn"])
    assert (execution["status"], entered(events)) == (case.status, case.way), failures(events)
    if case.error is not None:
        assert (case.failing or case.state, case.error) in failures(events)
    unmet: Sequence[object] = [
        *world.requests.pending,
        *world.openai.faults.pending,
        *world.pinecone.faults.pending,
    ]
    assert unmet == []


def analysed_once(world: World, batch: dict[str, Any]) -> None:
    eventually(lambda: world.documents.analysis(batch["context"]["customerDomain"]))
    eventually(lambda: world.waiting("marketAnalysisQueueUrl") == 0)
    analysis = world.documents.analysis(batch["context"]["customerDomain"])
    assert analysis
    assert analysis["version"] == {"N": "1"}
    asked = [
        call
        for call in world.openai.calls.of("responses.create")
        if batch["vectorStoreId"] in json.dumps(call.body)
    ]
    assert len(asked) == 1


def kept(world: World, batch: dict[str, Any], execution: dict[str, Any]) -> None:
    """One letter from the machine, with the whole input and the cause, and one from the rule."""

    def both() -> Sequence[dict[str, Any]] | None:
        letters = world.documents.letters(batch["batchId"])
        return letters if len(letters) == 2 else None

    by_machine, by_rule = sorted(eventually(both), key=lambda letter: "detail" in letter)
    assert by_machine["input"] == batch
    assert by_machine["cause"]
    assert by_machine["executionArn"] == execution["executionArn"]
    assert json.loads(by_rule["detail"]["input"]) == batch
