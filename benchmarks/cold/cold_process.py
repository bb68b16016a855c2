"""A function's process as Lambda starts it cold: from its start to its first answer."""

import compileall
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import bundle
from local import lambda_worker
from local.function_environment import FunctionSpec, Runtime, environment

_WORKER = Path(lambda_worker.__file__)
_MOST_SECONDS = 60
# A line of -X importtime: a module's own microseconds, those with what it imports, its name.
_IMPORT = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)
_PARTS = {
    **dict.fromkeys(sys.stdlib_module_names, "Python's own"),
    **dict.fromkeys(("botocore", "s3transfer", "urllib3", "dateutil", "jmespath", "six"), "boto3"),
    **dict.fromkeys(
        ("pydantic_core", "annotated_types", "typing_inspection", "typing_extensions"), "pydantic"
    ),
    **dict.fromkeys(("httpcore2", "h11", "anyio", "sniffio", "idna", "truststore"), "httpx2"),
    **dict.fromkeys(("httpx", "httpcore", "msgspec", "orjson"), "pinecone"),
    "aws_lambda_powertools": "Powertools",
}


class ColdStartError(RuntimeError):
    """The process answered with an error, or not at all; the message has what it wrote."""


@dataclass(frozen=True, kw_only=True)
class FirstAnswer:
    """What a new process answered to its first event, and when."""

    payload: Any
    seconds: float
    """By the wall clock, from before the process is started until its answer is here."""
    cpu_seconds: float
    """What the process used of the processor from its start to its end, user and system."""
    log: str


def first_answer(spec: FunctionSpec, runtime: Runtime, event: Any, *options: str) -> FirstAnswer:
    """Start the function, have it answer one event, and end it. ColdStartError.

    ``options`` are Python's own.
    """
    ours, theirs = socket.socketpair()
    ours.settimeout(_MOST_SECONDS)
    with ours, ours.makefile("rwb") as channel, tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        with theirs:
            process = _start(spec, runtime, theirs, log.fileno(), options)
        try:
            # Sent at once: it is read when the handler has been imported.
            channel.write(json.dumps(_request(spec, event)).encode() + b"\n")
            channel.flush()
            ready, answer = channel.readline(), channel.readline()
            took = time.perf_counter() - began
        finally:
            channel.close()
            ours.close()
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0
        log.seek(0)
        written = log.read().decode()
    if b"result" not in answer:
        raise ColdStartError(f"{spec.handler}: {ready!r} {answer!r} {written}")
    return FirstAnswer(
        payload=json.loads(json.loads(answer)["result"]),
        seconds=took,
        cpu_seconds=used.ru_utime + used.ru_stime,
        log=written,
    )


def import_times(spec: FunctionSpec, runtime: Runtime, event: Any) -> dict[str, float]:
    """Seconds of the first answer that the import of each package took, the longest first.

    All that is Python's own is one package, as is what boto3 is made of. Measuring slows it down.
    """
    log = first_answer(spec, runtime, event, "-X", "importtime").log
    times: Counter[str] = Counter()
    for own, module in _IMPORT.findall(log):
        package = module.partition(".")[0]
        times[_PARTS.get(package, package)] += int(own)
    return {package: microseconds / 1e6 for package, microseconds in times.most_common()}


@contextmanager
def lambdas_own_packages() -> Iterator[Path]:
    """What Lambda's runtime brings: boto3 and what it needs, compiled, as they are there."""
    requirements = _WORKER.with_name("runtime-requirements.txt")
    installed = bundle.install(requirements, bundle.THIS_MACHINE)
    with tempfile.TemporaryDirectory(dir=installed.parent) as scratch:
        directory = Path(scratch, "runtime")
        shutil.copytree(installed, directory, copy_function=os.link)
        compileall.compile_dir(directory, quiet=2, workers=0)
        yield directory


def _start(
    spec: FunctionSpec,
    runtime: Runtime,
    channel: socket.socket,
    log: int,
    options: Sequence[str],
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            # As local/worker_process.py starts it, but that nothing compiled is kept: a function's
            # code cannot be written to in Lambda.
            *("-I", "-S", "-u", "-B", *options),
            *(str(_WORKER), str(channel.fileno())),
            *(str(runtime.code_dir), str(runtime.runtime_dir)),
        ],
        pass_fds=[channel.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=runtime.code_dir,
        env=environment(spec, runtime, "cold"),
    )


def _request(spec: FunctionSpec, event: Any) -> dict[str, Any]:
    return {
        "requestId": "first",
        "functionArn": spec.arn,
        "deadlineMs": int((time.time() + spec.timeout) * 1000),
        "event": json.dumps(event),
    }
