"""``submit`` and ``poll``: what function and execution say is shown, and is the exit code."""

import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.stepfunctions.models import stepfunctions_backends

from functions.completions.batches import BatchSummary
from functions.completions.vocabulary import BatchStatus
from local.function_environment import FunctionSpec
from local.lambdas import serving
from local.worker_process import Answer
from ops import cli
from ops.commands import submit
from ops.executions import Execution, Executions
from ops.stack import Stack
from tests.functions.conftest import REGION

BATCH = {
    "batchId": "b-1",
    "openaiBatchId": "batch_1",
    "requests": 2,
    "targets": 5,
    "promptTokens": 700,
}
SUBMITTED = {"batches": [BATCH], "waiting": 0, "reason": "no label waits for a verdict"}


def run(outputs_file: Path, *arguments: str) -> int:
    return cli.main([*arguments, "--outputs", str(outputs_file)])


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What ``--json`` printed, and nothing beside it."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@dataclass
class SubmitFunction:
    """The function: it answers with ``answer``, or raises it if ``failed``."""

    answer: Any = field(default_factory=lambda: dict(SUBMITTED))
    failed: bool = False
    events: list[str] = field(default_factory=list)

    def invoke(self, _spec: FunctionSpec, event: str) -> Answer:
        self.events.append(event)
        return Answer(json.dumps(self.answer), failed=self.failed, log="")

    def stop(self) -> None:
        """There is nothing to stop."""


@pytest.fixture
def function(outputs_file: Path) -> Iterator[SubmitFunction]:
    """The stack's submit function."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("empty", "")
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    boto3.client("lambda").create_function(
        FunctionName="submit",
        Role=role["Arn"],
        Runtime="python3.13",
        Handler="a.b",
        Code={"ZipFile": archive.getvalue()},
    )
    found = SubmitFunction()
    runner: Any = found
    with serving(runner, {}):
        yield found


def test_what_was_submitted_is_shown(
    outputs_file: Path, function: SubmitFunction, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs_file, "submit") == 0
    printed = capsys.readouterr().out
    assert "batch_1" in printed
    assert "5 labels in 1 batch; still waiting: 0." in printed
    assert "no label waits for a verdict" in printed
    assert function.events == ["{}"]

    assert run(outputs_file, "submit", "--json") == 0
    assert document(capsys) == SUBMITTED


def test_labels_that_wait_on_are_told_with_the_reason_and_all_else_that_is_said(
    outputs_file: Path, function: SubmitFunction, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = {"maxUsd": "1.00", "wouldCostUsd": "1.25"}
    function.answer = {
        "batches": [],
        "waiting": 40,
        "reason": "it would cost [bold]too much",
        "budget": budget,
        "another": None,
    }
    assert run(outputs_file, "submit") == 1
    printed = capsys.readouterr().out
    assert "still waiting: 40" in printed
    assert "it would cost [bold]too much" in printed
    assert "budget: maxUsd 1.00, wouldCostUsd 1.25" in printed
    assert "another" not in printed
    assert run(outputs_file, "submit", "--json") == 1
    assert document(capsys)["budget"] == budget


def test_what_the_function_raises_is_told(
    outputs_file: Path, function: SubmitFunction, capsys: pytest.CaptureFixture[str]
) -> None:
    function.answer = {"errorType": "OpenAIRejectedError", "errorMessage": "no such model"}
    function.failed = True
    assert run(outputs_file, "submit") == 1
    assert "OpenAIRejectedError: no such model" in capsys.readouterr().out
    assert run(outputs_file, "submit", "--json") == 1
    assert document(capsys) == {
        "error": {"type": "OpenAIRejectedError", "message": "no such model"}
    }


@pytest.fixture
def hangs_up() -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes requests and hangs up: its address, and the requests."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    if request := connection.recv(65_536):
                        requests.append(request)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", requests
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_submission_whose_answer_is_lost_is_not_begun_again(
    outputs_file: Path,
    hangs_up: tuple[str, list[bytes]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, requests = hangs_up
    outputs = json.loads(outputs_file.read_text())
    outputs |= {"awsEndpointUrl": url, "awsAccessKeyId": "a", "awsSecretAccessKey": "b"}
    outputs_file.write_text(json.dumps(outputs))
    assert run(outputs_file, "submit") == 2
    assert "python -m ops status" in capsys.readouterr().err
    assert len(requests) == 1


def test_an_answer_is_waited_for_as_long_as_the_function_may_take() -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    patient: Any = submit._PATIENT
    assert patient.read_timeout > 900


def summary(number: int, **changes: Any) -> BatchSummary:
    return BatchSummary(
        **{
            "batch_id": f"b-{number}",
            "openai_batch_id": f"batch_{number}",
            "status": BatchStatus.PENDING,
            "submitted_at": "2026-01-01T00:00:00+00:00",
            "model": "gpt-test",
            "targets_key": "targets",
            "target_count": 3,
            "request_count": 1,
            "prompt_tokens": 100,
            **changes,
        }
    )


@dataclass
class Flow:
    """The poll flow, which does what it is to do when somebody waits for it."""

    stack: Stack
    ends: list[BatchSummary] = field(default_factory=list)
    status: str = "SUCCEEDED"
    waits: int = 0

    def wait(self, _seconds: float) -> None:
        self.waits += 1
        if self.waits < 2:
            return
        for each in self.ends:
            self.stack.labels.put(each.to_item())
        [execution] = self.executions
        execution.status = self.status
        if self.status == "FAILED":
            execution.error, execution.cause = "BatchesLeft", "A batch could not be ended"

    @property
    def executions(self) -> list[Any]:
        backend: Any = stepfunctions_backends[DEFAULT_ACCOUNT_ID][REGION]
        machine = self.stack.outputs.completion_poll_flow_arn
        return list(backend.describe_state_machine(machine).executions)


@pytest.fixture
def flow(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Flow:
    found = Flow(stack)
    for number in (1, 2):
        stack.labels.put(summary(number).to_item())
    monkeypatch.setattr(time, "sleep", found.wait)
    return found


def ended(number: int, status: BatchStatus = BatchStatus.COMPLETED) -> BatchSummary:
    return summary(number, status=status, outcomes={"VALID": 2, "INVALID": 1})


def test_the_poll_flow_is_waited_for_and_the_batches_are_shown(
    outputs_file: Path, flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.ends = [ended(1)]
    assert run(outputs_file, "poll", "--json") == 0
    found = document(capsys)
    assert found["status"] == "SUCCEEDED"
    assert [(b["batchId"], b["status"], b["outcomes"]) for b in found["batches"]] == [
        ("b-1", "COMPLETED", {"VALID": 2, "INVALID": 1}),
        ("b-2", "PENDING", {}),
    ]
    [execution] = flow.executions
    assert execution.name == found["execution"]
    assert execution.name.startswith("operator-")
    assert json.loads(execution.execution_input) == {}


def test_a_run_that_is_not_seen_at_once_is_waited_for(
    outputs_file: Path,
    flow: Flow,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unseen, named = [None, None], Executions.named

    def not_yet(self: Executions, name: str) -> Execution | None:
        return unseen.pop() if unseen else named(self, name)

    monkeypatch.setattr(Executions, "named", not_yet)
    assert run(outputs_file, "poll", "--json") == 0
    assert document(capsys)["status"] == "SUCCEEDED"


def test_a_person_sees_the_verdicts(
    outputs_file: Path, flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.ends = [ended(1), ended(2)]
    assert run(outputs_file, "poll") == 0
    printed = capsys.readouterr().out
    assert "needs review" in printed
    assert "COMPLETED" in printed
    assert "Batches that have ended: 2; under way: 0." in printed


def test_a_run_that_failed_is_told_with_its_reason(
    outputs_file: Path, flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.status = "FAILED"
    assert run(outputs_file, "poll") == 1
    assert "FAILED. BatchesLeft: A batch could not be ended" in capsys.readouterr().out


@pytest.mark.parametrize("status", ["FAILED", "EXPIRED", "CANCELLED"])
def test_a_batch_that_ended_badly_is_not_well(
    outputs_file: Path, flow: Flow, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.ends = [ended(1, BatchStatus(status))]
    assert run(outputs_file, "poll", "--json") == 1
    assert document(capsys)["batches"][0]["status"] == status


def test_one_job_alone_is_polled(
    outputs_file: Path, flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.ends = [ended(2)]
    assert run(outputs_file, "poll", "--batch", "batch_2", "--json") == 0
    assert [batch["batchId"] for batch in document(capsys)["batches"]] == ["b-2"]
    [execution] = flow.executions
    assert json.loads(execution.execution_input) == {"openaiBatchId": "batch_2"}


@pytest.mark.parametrize("job", ["batch_9", "no/job"])
def test_a_job_that_no_pending_batch_has_starts_nothing(
    outputs_file: Path, flow: Flow, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs_file, "poll", "--batch", job) == 2
    assert capsys.readouterr().err
    assert flow.executions == []


def test_a_run_need_not_be_waited_for(
    outputs_file: Path, flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs_file, "poll", "--no-wait", "--json") == 0
    assert document(capsys)["status"] == "RUNNING"
    assert (len(flow.executions), flow.waits) == (1, 0)


def test_an_item_that_cannot_be_read_is_told_and_keeps_no_other_waiting(
    outputs_file: Path, flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.stack.labels.put({**summary(3).to_item(), "target_count": "many"})
    flow.ends = [ended(1), ended(2)]
    assert run(outputs_file, "poll") == 1
    printed = capsys.readouterr().out
    assert "BATCH#b-3" in printed
    assert "Batches that have ended: 2" in printed
