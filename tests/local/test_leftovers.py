"""An embedded AWS is gone without a trace."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from local import events, lambdas, queues, tables
from local.aws import AwsError
from local.embedded import EmbeddedAws

pytestmark = pytest.mark.embedded


@pytest.fixture(autouse=True)
def _own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def traces() -> dict[str, Any]:
    """What a process could be left with."""
    parents = subprocess.run(
        ["/bin/ps", "-A", "-o", "ppid="], capture_output=True, text=True, check=True
    ).stdout.split()
    seams = [
        *(lambdas.INVOKE, queues.RECEIVE, queues.DELETE),
        *(tables.CALL, events.STOP, events.TERMINATED),
    ]
    return {
        "children": parents.count(str(os.getpid())),
        "threads": {thread.name for thread in threading.enumerate()},
        "environment": dict(os.environ),
        "directory": Path.cwd(),
        "temporary files": set(Path(tempfile.gettempdir()).iterdir()),
        "moto": [seam.found() for seam in seams],
        "sleep": vars(retrier_decl)["time"],
        "session": boto3.DEFAULT_SESSION,
    }


def test_nothing_is_left_of_it_and_it_can_be_started_again(
    make_embedded: Callable[..., EmbeddedAws],
    tmp_path_factory: pytest.TempPathFactory,
    eventually: Callable[..., Any],
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    before = traces()
    with make_embedded(elsewhere / "consumed") as running:
        running.client("stepfunctions").start_execution(
            stateMachineArn=running.outputs["machineArn"],
            input=json.dumps({"file": str(elsewhere / "calls"), "pending": 9}),
        )
        running.client("lambda").invoke(
            FunctionName=running.outputs["slow"],
            InvocationType="Event",
            Payload=json.dumps({"seconds": 60}),
        )
        running.client("sqs").send_message(
            QueueUrl=running.outputs["workQueueUrl"], MessageBody="bad"
        )
        eventually(lambda: list(running.logs_dir.glob("pending-*")))
        changed = traces()
        assert {name for name in before if before[name] != changed[name]} >= {
            "children",
            "threads",
            "environment",
            "temporary files",
            "moto",
            "sleep",
            "session",
        }
        began = time.monotonic()

    assert time.monotonic() - began < 5
    after = eventually(lambda: traces() == before and before, seconds=5)
    assert after == before
    with pytest.raises(AwsError, match="not running"):
        _ = running.outputs
    running.stop()
    with running as again:
        assert not again.invoke(again.outputs["echo"], {}).failed


def test_a_deployment_that_fails_leaves_nothing(
    make_embedded: Callable[..., EmbeddedAws], tmp_path_factory: pytest.TempPathFactory
) -> None:
    failing = make_embedded(tmp_path_factory.mktemp("elsewhere") / "consumed", secrets={})
    before = traces()

    with pytest.raises(Exception, match="apiKey"):
        failing.start()

    assert traces() == before
