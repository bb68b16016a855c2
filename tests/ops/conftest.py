"""A stack of queues, tables and state machines, as the operator command finds it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader

from ops.cli import main
from ops.stack import Outputs, Stack
from tests.functions.completions.tables import create_label_table
from tests.functions.conftest import REGION, MakeTable, aws, make_table, service_models

__all__ = ["aws", "make_table", "service_models"]

RunCommand = Callable[..., tuple[int, Any]]

_QUEUES = (
    "downloadQueue",
    "downloadDeadLetterQueue",
    "marketAnalysisQueue",
    "marketAnalysisDeadLetterQueue",
    "vectorStoreBatchFlowDeadLetterQueue",
    "fileSweepDeadLetterQueue",
    "completionDeadLetterQueue",
)
_MACHINES = ("vectorStoreBatchFlow", "completionPollFlow")
_POLLING = {
    "StartAt": "CheckBatchStatus",
    "States": {
        "CheckBatchStatus": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "check"},
            "TimeoutSeconds": 30,
            "Retry": [
                {
                    "ErrorEquals": ["BatchPending"],
                    "IntervalSeconds": 10,
                    "MaxAttempts": 3,
                    "BackoffRate": 1,
                }
            ],
            "End": True,
        }
    },
}


class SharedSession(boto3.Session):
    """Makes each plain client once: to make them takes longer than most of the tests."""

    def __init__(self, session: botocore.session.Session) -> None:
        super().__init__(botocore_session=session, region_name=REGION)
        self._clients: dict[str, Any] = {}

    def client(self, service: str, **more: Any) -> Any:  # type: ignore[override]
        if any(more.values()):
            return super().client(service, **more)  # type: ignore[call-overload]
        if service not in self._clients:
            self._clients[service] = super().client(service)  # type: ignore[call-overload]
        return self._clients[service]


@pytest.fixture(scope="session")
def shared_session(service_models: Loader) -> boto3.Session:
    """One for all."""
    session = botocore.session.Session()
    session.register_component("data_loader", service_models)
    session.set_credentials("testing", "testing")
    return SharedSession(session)


@pytest.fixture
def outputs_file(
    aws: None,
    make_table: MakeTable,
    shared_session: boto3.Session,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Path:
    """The outputs of an empty stack, as ``--outputs`` reads them. Executions in it never end."""
    monkeypatch.setattr("ops.stack.boto3.Session", lambda **_: shared_session)
    sqs, machines = shared_session.client("sqs"), shared_session.client("stepfunctions")
    outputs = {f"{name}Url": sqs.create_queue(QueueName=name)["QueueUrl"] for name in _QUEUES}
    for name in _MACHINES:
        outputs[f"{name}Arn"] = machines.create_state_machine(
            name=name,
            definition=json.dumps(_POLLING),
            roleArn="arn:aws:iam::123456789012:role/flow",
        )["stateMachineArn"]
    for name in ("analyses", "ingestLedger"):
        outputs[f"{name}TableName"] = make_table(name).name
    create_label_table(shared_session.client("dynamodb"), "labels")
    outputs |= {
        "labelTableName": "labels",
        "batchBucketName": "batches",
        "fileSweepFunctionName": "sweep",
        "submitCompletionBatchFunctionName": "submit",
        "completionReconcileFunctionName": "reconcile",
        "ingestRefreshAfterHours": "24",
    }
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(outputs))
    return file


@pytest.fixture
def stack(outputs_file: Path) -> Stack:
    """That stack."""
    return Stack(Outputs.found(file=outputs_file, stack=None))


@pytest.fixture
def run(outputs_file: Path, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Runs a command on that stack with ``--json``; its exit code and its document."""

    def run_command(*arguments: str) -> tuple[int, Any]:
        code = main([*arguments, "--json", "--outputs", str(outputs_file)])
        printed = capsys.readouterr().out
        return code, json.loads(printed) if printed else None

    return run_command
