"""Traces on the wire, as the X-Ray daemon of Lambda gets them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TRACE, PARENT = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
INVOCATION = """
import sys
from functions.deliveries import side_by_side
from functions.observability import about, identify, observed
from tests.functions.invocations import Context

def work(number):
    with about("document", message_id=f"m{number}"):
        if number == 2:
            raise RuntimeError("sk-what-went-wrong")

@observed
def handler(event, context):
    identify(batch_id="b1")
    side_by_side(work, [1, 2])
    return {"answer": "sk-what-it-said"}

handler({}, Context())
print("aws_xray_sdk" in sys.modules)
"""


def invoke(daemon: socket.socket, header: str | None) -> str:
    """Run one invocation in a process such as Lambda's; whether it imported the SDK."""
    host, port = daemon.getsockname()
    variables = {"_X_AMZN_TRACE_ID": header} if header else {}
    done = subprocess.run(
        [sys.executable, "-c", INVOCATION],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "LAMBDA_TASK_ROOT": "/var/task",
            "AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}",
            "POWERTOOLS_SERVICE_NAME": "documents-ingest",
            **variables,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def received(daemon: socket.socket) -> list[dict[str, Any]]:
    """What has come; the process that sent it has ended."""
    daemon.setblocking(False)
    segments = []
    try:
        while True:
            _, _, segment = daemon.recv(65_536).partition(b"\n")
            segments.append(json.loads(segment))
    except BlockingIOError:
        return segments


@pytest.fixture
def daemon() -> Any:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        yield listening


def test_a_sampled_invocation_and_each_of_its_documents_is_found_by_its_ids(
    daemon: socket.socket,
) -> None:
    assert invoke(daemon, f"Root={TRACE};Parent={PARENT};Sampled=1") == "True"

    segments = received(daemon)
    assert {segment["trace_id"] for segment in segments} == {TRACE}
    found = {(s["name"], s["annotations"].get("message_id")): s for s in segments}
    assert found.keys() == {("## handler", None), ("## document", "m1"), ("## document", "m2")}
    assert found["## handler", None]["annotations"]["batch_id"] == "b1"
    assert found["## document", "m2"]["fault"] is True
    assert "sk-what-it-said" not in json.dumps(segments), "no answer goes into a trace"


@pytest.mark.parametrize("header", [None, f"Root={TRACE};Parent={PARENT};Sampled=0"])
def test_an_invocation_that_nobody_traces_does_not_import_what_traces(
    daemon: socket.socket, header: str | None
) -> None:
    assert invoke(daemon, header) == "False"
    assert received(daemon) == []
