"""Our worker answers as AWS's own runtime client does, which has wheels for Linux only."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.function_environment import FunctionSpec, Runtime, environment
from local.function_logs import FunctionLogs
from local.worker_process import WorkerProcess

pytest.importorskip("awslambdaric", reason="AWS's runtime client is not made for this platform")

RESULTS = ["nothing", "text", "mixed", "decimal", "tuple", "named tuple", "bytes", "nan"]
NO_RESULTS = ["set", "tuple key", "not text"]
ERRORS = ["pending", "builtin", "without text", "key"]
BROKEN = [
    "broken_import.handler",
    "broken_module.handler",
    "broken_syntax.handler",
    "handlers.none",
    "handlers",
]


@dataclass
class RuntimeApi:
    """Lambda's side: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

    events: "queue.Queue[str | None]" = field(default_factory=queue.Queue)
    answers: "queue.Queue[tuple[str, str]]" = field(default_factory=queue.Queue)
    address: str = ""

    @contextmanager
    def served(self) -> Iterator[None]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                event = api.events.get()
                self.send_response(410 if event is None else 200)
                for name, value in (
                    ("Lambda-Runtime-Aws-Request-Id", "the-request"),
                    ("Lambda-Runtime-Deadline-Ms", "99999999999999"),
                    ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:f"),
                    ("Content-Type", "application/json"),
                ):
                    self.send_header(name, value)
                body = (event or "").encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else b"".join(iter(self._chunk, b""))
                api.answers.put((self.path.rpartition("/")[2], body.decode()))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _chunk(self) -> bytes:
                chunk = self.rfile.read(int(self.rfile.readline(), 16))
                self.rfile.readline()
                return chunk

            def log_message(self, *_arguments: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.address = "{}:{}".format(*server.server_address)
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield
            server.shutdown()
            thread.join()


@pytest.fixture
def runtime(code_dir: Path, runtime_dir: Path, tmp_path: Path) -> Runtime:
    return Runtime(
        code_dir=code_dir,
        runtime_dir=runtime_dir,
        cache_dir=tmp_path / "cache",
        endpoint_url="http://127.0.0.1:9",
    )


def spec(handler: str, python: str = "python3.13") -> FunctionSpec:
    return FunctionSpec(
        name="f",
        arn="arn:aws:lambda:::function:f",
        handler=handler,
        runtime=python,
        region="eu-central-1",
        log_group="g",
        timeout=20,
        memory=128,
    )


def theirs(function: FunctionSpec, runtime: Runtime, events: list[Any]) -> list[tuple[bool, str]]:
    """What awslambdaric posts for each event: whether it is an error, and the JSON text."""
    api = RuntimeApi()
    for event in [*map(json.dumps, events), None]:
        api.events.put(event)
    with api.served():
        subprocess.run(
            [sys.executable, "-B", "-m", "awslambdaric", function.handler],
            cwd=runtime.code_dir,
            env=environment(function, runtime, "stream") | {"AWS_LAMBDA_RUNTIME_API": api.address},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=30,
            check=False,
        )
    return [(kind == "error", body) for kind, body in list(api.answers.queue)]


def ours(function: FunctionSpec, runtime: Runtime, events: list[Any]) -> list[tuple[bool, str]]:
    """What our worker answers to each event."""
    logs = FunctionLogs(runtime.cache_dir, lambda _service: NoLogs())
    worker = WorkerProcess(function, runtime, logs)
    try:
        answers = [worker.invoke(json.dumps(event)) for event in events]
    finally:
        worker.stop()
    return [(answer.failed, answer.payload) for answer in answers]


class NoLogs:
    """CloudWatch that takes everything and keeps nothing."""

    class exceptions:  # noqa: N801 boto3's name
        ResourceAlreadyExistsException = KeyError

    def __getattr__(self, _operation: str) -> Any:
        return lambda **_parameters: None


def comparable(answer: tuple[bool, str]) -> tuple[bool, Any]:
    """Without what must differ: the request's id, and where the code is."""
    failed, text = answer
    found = json.loads(text, parse_constant=str)
    if failed:
        assert "requestId" in found
        del found["requestId"]
        found["stackTrace"] = [
            line.rpartition("/")[2] for line in found["stackTrace"] if "importlib" not in line
        ]
    return failed, found


@pytest.mark.parametrize("python", ["python3.11", "python3.13"])
def test_results_are_the_same_json(runtime: Runtime, python: str) -> None:
    function = spec("handlers.returns", python)
    events = [{"result": result} for result in RESULTS + NO_RESULTS]

    expected, found = theirs(function, runtime, events), ours(function, runtime, events)

    assert len(expected) == len(events)
    assert list(map(comparable, found)) == list(map(comparable, expected))
    assert [failed for failed, _ in found] == [False] * len(RESULTS) + [True] * len(NO_RESULTS)
    # The same text too, letters beyond ASCII included, but for numbers that are written otherwise.
    assert [text for _, text in found[:3]] == [text for _, text in expected[:3]]


def test_errors_are_the_same_json(runtime: Runtime) -> None:
    function = spec("handlers.raises")
    events = [{"error": error} for error in ERRORS]

    expected, found = theirs(function, runtime, events), ours(function, runtime, events)

    assert len(expected) == len(events)
    assert list(map(comparable, found)) == list(map(comparable, expected))
    assert {
        set(json.loads(text)) == set(json.loads(other))
        for (_, text), (_, other) in zip(found, expected, strict=True)
    } == {True}


@pytest.mark.parametrize("handler", BROKEN)
def test_handlers_that_cannot_be_had_are_the_same_error(runtime: Runtime, handler: str) -> None:
    function = spec(handler)

    expected, found = theirs(function, runtime, [{}]), ours(function, runtime, [{}])

    assert len(expected) == 1
    assert list(map(comparable, found)) == list(map(comparable, expected))
    assert json.loads(found[0][1])["requestId"] == json.loads(expected[0][1])["requestId"]
