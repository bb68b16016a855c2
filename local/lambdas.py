"""Lambda: each function of moto's runs in processes of ours, a pool a function.

Unlike AWS, more calls than there are processes wait for one instead of being throttled, and a
function called asynchronously is not called again when it fails.
"""

import base64
import json
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.awslambda.models import LambdaFunction

from local.function_environment import FunctionSpec, Runtime
from local.function_logs import FunctionLogs
from local.seams import Seam
from local.worker_process import Answer, WorkerProcess

INVOKE = Seam(LambdaFunction, "invoke", ("self", "body", "request_headers", "response_headers"))
MOST_PROCESSES = 10
_LOG_TAIL_BYTES = 4096


@dataclass(frozen=True)
class Invocation:
    """What a function answered: its payload, parsed, whether that is an error, and its last log."""

    payload: Any
    failed: bool = False
    log: str = ""


def invoke(client: Any, function_name: str, event: Any) -> Invocation:
    """Call a function, by its name or ARN, through the Lambda client, and wait for its answer."""
    answer = client.invoke(
        FunctionName=function_name, Payload=json.dumps(event).encode(), LogType="Tail"
    )
    payload = answer["Payload"].read()
    return Invocation(
        json.loads(payload) if payload else None,
        "FunctionError" in answer,
        base64.b64decode(answer.get("LogResult", "")).decode(errors="replace"),
    )


class Lambdas:
    """Runs functions. Processes start when they are needed and stay for the next event."""

    def __init__(self, runtime: Runtime, logs: FunctionLogs) -> None:
        self._runtime = runtime
        self._logs = logs
        self._pools: dict[str, _Pool] = {}
        self._background: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def invoke(self, spec: FunctionSpec, event: str) -> Answer:
        """Run the function on ``event``, JSON text, and wait for its answer."""
        with self._lock:
            pool = self._pools.get(spec.name)
            if pool is None or pool.spec != spec:
                replaced, pool = pool, _Pool(spec, self._runtime, self._logs, closed=self._stopped)
                self._pools[spec.name] = pool
                if replaced is not None:
                    replaced.close()
        return pool.invoke(event)

    def invoke_later(self, spec: FunctionSpec, event: str) -> None:
        """Run the function in the background, once."""

        def run() -> None:
            try:
                self.invoke(spec, event)
            finally:
                with self._lock:
                    self._background.discard(thread)

        thread = threading.Thread(target=run, name=f"event-for-{spec.name}", daemon=True)
        with self._lock:
            self._background.add(thread)
        thread.start()

    def stop(self) -> None:
        """Kill all processes; who waits for one is answered with an error."""
        with self._lock:
            self._stopped = True
            pools, background = list(self._pools.values()), list(self._background)
        for pool in pools:
            pool.close(kill=True)
        for thread in background:
            thread.join()


class _Pool:
    """The processes of one function as it is configured now."""

    def __init__(
        self, spec: FunctionSpec, runtime: Runtime, logs: FunctionLogs, *, closed: bool
    ) -> None:
        self.spec = spec
        self._runtime = runtime
        self._logs = logs
        self._slots = threading.Semaphore(spec.reserved_concurrency or MOST_PROCESSES)
        self._lock = threading.Lock()
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._closed = closed
        self._killed = closed

    def invoke(self, event: str) -> Answer:
        with self._slots:
            worker = self._take()
            if worker is None:
                return _stopped_answer(self.spec)
            try:
                return worker.invoke(event)
            finally:
                self._give_back(worker)

    def close(self, *, kill: bool = False) -> None:
        """Stop the idle processes now and the busy ones when they are done, or at once."""
        with self._lock:
            self._closed = True
            self._killed = self._killed or kill
            workers = [*self._idle, *(self._busy if kill else ())]
            self._idle.clear()
        for worker in workers:
            worker.stop()

    def _take(self) -> WorkerProcess | None:
        with self._lock:
            if self._killed:
                return None
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    break
                worker.stop()
            else:
                worker = WorkerProcess(self.spec, self._runtime, self._logs)
            self._busy.add(worker)
            return worker

    def _give_back(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._busy.discard(worker)
            keep = worker.alive and not self._closed
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.stop()


@contextmanager
def serving(lambdas: Lambdas, log_groups: Mapping[str, str]) -> Iterator[None]:
    """While the block runs, moto's functions run here, however they are called.

    ``log_groups`` names the log group of a function, where it is not ``/aws/lambda/<name>``.
    """

    def invoke(
        function: LambdaFunction,
        body: str | bytes,
        request_headers: Mapping[str, str],
        response_headers: MutableMapping[str, str],
    ) -> bytes:
        spec = _spec(function, log_groups)
        event = (body.decode() if isinstance(body, bytes) else body) or "{}"
        json.loads(event)
        kind = request_headers.get("X-Amz-Invocation-Type", "RequestResponse")
        response_headers["x-amz-executed-version"] = "$LATEST"
        if kind != "RequestResponse":
            if kind == "Event":
                lambdas.invoke_later(spec, event)
            return b""
        answer = lambdas.invoke(spec, event)
        if answer.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        tail = answer.log.encode()[-_LOG_TAIL_BYTES:]
        response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
        return answer.payload.encode()

    with INVOKE.replaced(lambda _: invoke):
        try:
            yield
        finally:
            lambdas.stop()


def _spec(function: Any, log_groups: Mapping[str, str]) -> FunctionSpec:
    reserved = function.reserved_concurrency
    return FunctionSpec(
        name=function.function_name,
        arn=function.function_arn,
        handler=function.handler,
        runtime=function.run_time,
        region=function.region,
        log_group=log_groups.get(function.function_name, function.logs_group_name),
        timeout=float(function.timeout),
        memory=int(function.memory_size),
        environment=dict(function.environment_vars),
        reserved_concurrency=None if reserved is None else int(reserved),
    )


def _stopped_answer(spec: FunctionSpec) -> Answer:
    error = {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"{spec.name} was not run: the embedded AWS is stopping",
    }
    return Answer(json.dumps(error), failed=True, log="")
