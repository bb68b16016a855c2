"""``CompletionPollFlow`` run by moto's interpreter, with small functions for the real ones."""

import io
import json
import threading
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.state_machines import (
    COMPLETION_TIMEOUT_SECONDS,
    CompletionPolling,
    completion_poll_flow,
)
from infra.state_machines.history import worst_case_events
from local.aws import Aws
from local.executions import ended_with
from local.function_environment import FunctionSpec
from local.lambdas import serving
from local.map_runs import failing_with_their_items
from local.worker_process import Answer

ROLE = "arn:aws:iam::123456789012:role/r"
POLLING = CompletionPolling(batches_at_once=2, chunks_at_once=2)
CHUNKS = ("00001", "00002", "00003")
Errors = Mapping[tuple[str, ...], Sequence[str]]


@dataclass
class Functions:
    """The functions of the flow, in this process, for batches of three chunks.

    ``errors`` are raised one after another by the call that the key names: a function, and where
    it works on one, the batch and the chunk.
    """

    aws: Aws
    unprojected: bool = False
    rounds: int = 1
    errors: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, spec: FunctionSpec, event: str) -> Answer:
        """As the functions' processes would."""
        given: dict[str, Any] = json.loads(event)
        call = (spec.name, *(given[key] for key in ("batchId", "chunk") if key in given))
        with self._lock:
            self.calls.append(call)
            errors = self.errors.get(call)
            error = errors.pop(0) if errors else None
        if error is not None:
            failure = {"errorType": error, "errorMessage": "as the test says"}
            return Answer(json.dumps(failure), failed=True, log="")
        return Answer(json.dumps(getattr(self, spec.name)(given)), failed=False, log="")

    def stop(self) -> None:
        """There is nothing to stop."""

    def list_pending(self, event: dict[str, Any]) -> dict[str, Any]:
        batches = [{"batchId": id_, "openaiBatchId": f"batch_{id_}"} for id_ in event["batches"]]
        return {"batches": batches, "unprojected": self.unprojected}

    def collect(self, event: dict[str, Any]) -> dict[str, Any]:
        id_ = event["batchId"]
        assert event["openaiBatchId"] == f"batch_{id_}"
        key = f"batches/{id_}/chunks.json"
        chunks = [{"batchId": id_, "chunk": chunk} for chunk in CHUNKS]
        self.aws.client("s3").put_object(Bucket="files", Key=key, Body=json.dumps(chunks))
        return {"batchId": id_, "bucket": "files", "chunksKey": key, "chunks": len(chunks)}

    def apply(self, _event: dict[str, Any]) -> dict[str, Any]:
        return {}

    def finish(self, event: dict[str, Any]) -> dict[str, Any]:
        assert event["chunks"] == len(CHUNKS)
        return {"outcome": "done"}

    def project(self, event: dict[str, Any]) -> dict[str, Any]:
        assert event == {}
        self.rounds -= 1
        return {"projected": 1, "missing": 0, "failed": 0, "remaining": self.rounds > 0}


@dataclass(frozen=True)
class Flow:
    """The machine, with and without a projection."""

    aws: Aws
    functions: Functions
    eventually: Callable[..., Any]
    arns: Mapping[str, str]

    def run(self, *batches: str, projecting: bool = True) -> dict[str, Any]:
        """How an execution for these batches ended."""
        functions = {n: a for n, a in self.arns.items() if projecting or n != "project"}
        definition = completion_poll_flow(polling=POLLING, functions=functions)
        client = self.aws.client("stepfunctions")
        machine = client.create_state_machine(
            name=f"poll-{uuid.uuid4()}", definition=json.dumps(definition), roleArn=ROLE
        )["stateMachineArn"]
        execution = client.start_execution(
            stateMachineArn=machine, input=json.dumps({"batches": batches})
        )["executionArn"]

        def ended() -> Any:
            found = client.describe_execution(executionArn=execution)
            return None if found["status"] == "RUNNING" else found

        end = dict(self.eventually(ended))
        history = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        assert len(history) <= worst_case_events(definition, items=len(batches))
        return end | {"history": history}

    @property
    def called(self) -> Counter[str]:
        """How often each function was called."""
        return Counter(name for name, *_ in self.functions.calls)


@pytest.fixture(scope="module")
def arns(aws: Aws) -> Mapping[str, str]:
    """The functions, by name, beside a role and a bucket."""
    aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    location = {"LocationConstraint": aws.region}
    aws.client("s3").create_bucket(Bucket="files", CreateBucketConfiguration=location)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("empty", "")
    return {
        name: aws.client("lambda").create_function(
            FunctionName=name,
            Role=ROLE,
            Runtime="python3.13",
            Handler="a.b",
            Code={"ZipFile": archive.getvalue()},
        )["FunctionArn"]
        for name in COMPLETION_TIMEOUT_SECONDS
    }


@pytest.fixture
def flow(aws: Aws, arns: Mapping[str, str], eventually: Callable[..., Any]) -> Iterator[Flow]:
    functions = Functions(aws)
    runner: Any = functions
    with (
        serving(runner, {}),
        ended_with(aws, threading.Event()),
        failing_with_their_items(),
    ):
        yield Flow(aws, functions, eventually, arns)


@pytest.mark.parametrize("projecting", [True, False])
def test_an_idle_run_lists_and_ends(flow: Flow, projecting: bool) -> None:
    end = flow.run(projecting=projecting)
    assert end["status"] == "SUCCEEDED"
    assert flow.called == {"list_pending": 1}
    assert sum(event["type"].endswith("StateEntered") for event in end["history"]) == 3


@pytest.mark.parametrize("projecting", [True, False])
def test_every_chunk_of_every_batch_is_applied_and_then_the_batch_is_finished(
    flow: Flow, projecting: bool
) -> None:
    end = flow.run("a", "b", "c", projecting=projecting)
    assert end["status"] == "SUCCEEDED"
    calls = flow.functions.calls
    for id_ in "abc":
        applied = [call for call in calls if call[:2] == ("apply", id_)]
        assert sorted(applied) == [("apply", id_, chunk) for chunk in CHUNKS]
        collected, finished = calls.index(("collect", id_)), calls.index(("finish", id_))
        assert all(collected < calls.index(call) < finished for call in applied)
    assert flow.called["project"] == (1 if projecting else 0)


@pytest.mark.parametrize(
    ("call", "called", "error"),
    [
        (("collect", "b"), {"apply": 6, "finish": 2}, "AwsRejectedError"),
        (("apply", "b", "00002"), {"apply": 9, "finish": 3}, "InvalidItemError"),
        (("finish", "b"), {"apply": 9, "finish": 3}, "CountsDisagreeError"),
    ],
    ids=["collect", "apply", "finish"],
)
@pytest.mark.parametrize("projecting", [True, False])
def test_a_broken_batch_leaves_the_others_alone_and_then_the_run_fails(
    flow: Flow, call: tuple[str, ...], called: dict[str, int], error: str, projecting: bool
) -> None:
    flow.functions.errors[call] = [error]
    if call[0] == "apply":
        # A chunk that failed is not counted.
        flow.functions.errors["finish", call[1]] = ["CountsDisagreeError"]
    end = flow.run("a", "b", "c", projecting=projecting)
    assert (end["status"], end["error"]) == ("FAILED", "BatchesLeft")
    projected = {"project": 1} if projecting else {}
    assert flow.called == {"list_pending": 1, "collect": 3, **called, **projected}
    assert {("finish", "a"), ("finish", "c")} <= set(flow.functions.calls)


def test_words_are_projected_until_none_remains(flow: Flow) -> None:
    flow.functions.rounds = 3
    assert flow.run("a")["status"] == "SUCCEEDED"
    assert flow.called["project"] == 3
    assert flow.functions.calls[-1] == ("project",)


def test_words_of_an_earlier_run_are_projected_without_a_batch(flow: Flow) -> None:
    flow.functions.unprojected = True
    assert flow.run()["status"] == "SUCCEEDED"
    assert flow.called == {"list_pending": 1, "project": 1}


def test_a_failed_projection_fails_the_run_with_its_error(flow: Flow) -> None:
    flow.functions.errors[("project",)] = ["PineconeRejectedError"]
    end = flow.run("a", "b")
    assert (end["status"], end["error"]) == ("FAILED", "PineconeRejectedError")
    assert flow.called["finish"] == 2


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (("list_pending",), "Lambda.TooManyRequestsException"),
        (("collect", "a"), "OpenAIUnavailableError"),
        (("apply", "a", "00001"), "AwsUnavailableError"),
        (("finish", "a"), "Sandbox.Timedout"),
        (("project",), "PineconeUnavailableError"),
    ],
    ids=["list_pending", "collect", "apply", "finish", "project"],
)
def test_what_passes_by_itself_is_tried_again(
    flow: Flow, call: tuple[str, ...], error: str
) -> None:
    flow.functions.errors[call] = [error]
    assert flow.run("a")["status"] == "SUCCEEDED"
    assert flow.functions.calls.count(call) == 2
