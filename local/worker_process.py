"""A function's process as its owner sees it: started, given one event at a time, killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.function_environment import FunctionSpec, Runtime, environment
from local.function_logs import FunctionLogs, LogLine
from local.lambda_worker import LOG_END

_WORKER = Path(__file__).with_name("lambda_worker.py")
# Lambda allows 10 s. Here several may start at once on a small machine, from cold caches.
_INIT_SECONDS = 60
_LOG_SECONDS = 2
_EXIT_SECONDS = 2


@dataclass(frozen=True)
class Answer:
    """A function's answer as JSON text, whether it is an error, and what it logged meanwhile."""

    payload: str
    failed: bool
    log: str


class WorkerProcess:
    """One process. It answers one event at a time and is of no more use once it is not alive."""

    def __init__(self, spec: FunctionSpec, runtime: Runtime, logs: FunctionLogs) -> None:
        self.spec = spec
        self._stopping = threading.Lock()
        self._stopped = False
        self._logs = logs
        now = datetime.now(UTC)
        self._log_stream = f"{now:%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self._lines: list[LogLine] = []
        self._log_ended = threading.Event()
        self._ready = False
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _start(theirs, spec, runtime, self._log_stream)
        self._channel = ours
        self._incoming = ours.makefile("rb")
        self._reader = threading.Thread(
            target=self._read_log, name=f"log-of-{spec.name}", daemon=True
        )
        self._reader.start()

    def invoke(self, event: str) -> Answer:
        """Run the function on ``event``, JSON text, within its time-out."""
        request_id = str(uuid.uuid4())
        self._log_ended.clear()
        message = self._initialise() or self._exchange(request_id, event)
        failed = "error" in message
        self._log_ended.wait(_LOG_SECONDS)
        lines, self._lines = self._lines, []
        self._logs.publish(self.spec.log_group, self._log_stream, lines)
        return Answer(
            payload=json.dumps(message["error"]) if failed else message["result"],
            failed=failed,
            log="".join(f"{line.text}\n" for line in lines),
        )

    @property
    def alive(self) -> bool:
        """Whether it can take another event."""
        return not self._stopped and self._process.poll() is None

    def stop(self) -> None:
        """Kill the process, with whatever it started; more than once does no harm."""
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._reader.join(_LOG_SECONDS)
            self._log_ended.set()
            self._incoming.close()
            self._channel.close()

    def _initialise(self) -> dict[str, Any] | None:
        """Wait for the import of the handler; an answer only if it failed."""
        if self._ready:
            return None
        message = self._receive("", time.monotonic() + _INIT_SECONDS, _INIT_SECONDS)
        self._ready = "ready" in message
        if self._ready:
            return None
        self.stop()
        return message

    def _exchange(self, request_id: str, event: str) -> dict[str, Any]:
        seconds = self.spec.timeout
        request = {
            "requestId": request_id,
            "functionArn": self.spec.arn,
            "deadlineMs": int((time.time() + seconds) * 1000),
            "event": event,
        }
        deadline = time.monotonic() + seconds
        with suppress(OSError):  # It has ended: _receive says how.
            self._channel.settimeout(seconds)
            self._channel.sendall(json.dumps(request).encode() + b"\n")
        return self._receive(request_id, deadline, seconds)

    def _receive(self, request_id: str, deadline: float, seconds: float) -> dict[str, Any]:
        """The process's next message, or the error of one that has run out of time or ended."""
        try:
            self._channel.settimeout(max(0.001, deadline - time.monotonic()))
            line = self._incoming.readline()
        except TimeoutError:
            self.stop()
            return _sandbox_error(
                "Sandbox.Timedout", request_id, f"Task timed out after {seconds:.2f} seconds"
            )
        except (OSError, ValueError):  # It was stopped meanwhile.
            line = b""
        if line.endswith(b"\n"):
            message: dict[str, Any] = json.loads(line)
            return message
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_SECONDS)
        self.stop()
        return _sandbox_error("Runtime.ExitError", request_id, _ending(self._process.returncode))

    def _read_log(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 it was started with a pipe
        with self._process.stdout as output:
            for raw in output:
                text, end, _ = raw.rstrip(b"\r\n").partition(LOG_END)
                if text or not end:
                    line = LogLine.now(text.decode(errors="replace"))
                    self._lines.append(line)
                    self._logs.write(self.spec.name, line)
                if end:
                    self._log_ended.set()


def _start(
    channel: socket.socket, spec: FunctionSpec, runtime: Runtime, log_stream: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            # No site-packages and none of the developer's PYTHON* variables; what is printed
            # appears at once; compiled modules are kept apart from the code.
            *("-I", "-S", "-u", "-X", f"pycache_prefix={runtime.cache_dir}"),
            *(str(_WORKER), str(channel.fileno())),
            *(str(runtime.code_dir), str(runtime.runtime_dir)),
        ],
        pass_fds=[channel.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=runtime.code_dir,
        env=environment(spec, runtime, log_stream),
        # A group of its own: it is killed with its children, and Ctrl-C is not its business.
        start_new_session=True,
    )


def _sandbox_error(error_type: str, request_id: str, what: str) -> dict[str, Any]:
    return {
        "error": {
            "errorType": error_type,
            "errorMessage": f"RequestId: {request_id} Error: {what}",
        }
    }


def _ending(status: int) -> str:
    if status < 0:
        return f"Runtime exited with error: signal: {signal.strsignal(-status)}"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    return "Runtime exited without providing a reason"
