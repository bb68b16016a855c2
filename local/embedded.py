"""The whole embedded AWS: a program deployed, its functions, queues and schedules at work."""

import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from local.aws import DEFAULT_REGION, Aws, AwsError
from local.calls_made import CallsMade, noting
from local.deployment import Deployment, deploy
from local.event_sources import Poller, QueueMapping
from local.events import announcing
from local.executions import ended_with, named, parsed_one_at_a_time
from local.function_environment import Runtime
from local.function_logs import FunctionLogs
from local.function_urls import answering, open_urls
from local.lambdas import Invocation, Lambdas, invoke, serving
from local.map_runs import failing_with_their_items
from local.queues import fit_for_many_messages, one_at_a_time
from local.schedules import MINUTE_SECONDS, Schedule, Ticker
from local.tables import fit_for_many_items, one_call_at_a_time

_FUNCTION = "aws:lambda/function:Function"
_MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
_SCHEDULE = "aws:scheduler/schedule:Schedule"


@dataclass(kw_only=True)
class EmbeddedAws:
    """One stack of a Pulumi program, up from ``start`` to ``stop``, or as a context manager."""

    program: Path
    """The directory of ``Pulumi.yaml`` and ``__main__.py``."""
    code_dir: Path
    """The functions' bundle, unzipped, built for this machine."""
    runtime_dir: Path
    """Packages that Lambda brings itself: boto3 and what it needs."""
    stack: str = "local"
    config: Mapping[str, str] = field(default_factory=dict)
    """On top of the stack's files, as texts."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values of the keys that are set with ``--secret``."""
    port: int = 0
    """Where to listen on 127.0.0.1; 0 is any free port."""
    region: str = DEFAULT_REGION
    work_dir: Path | None = None
    """Keeps the functions' logs. Without one they are gone after ``stop``."""
    cache_dir: Path | None = None
    """Keeps compiled modules for the next time that the same code is run."""
    minute_seconds: float = MINUTE_SECONDS
    """How long a schedule's minute takes."""
    _running: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    _up: "_Up | None" = field(default=None, init=False, repr=False)

    @property
    def deployment(self) -> Deployment:
        """What was deployed."""
        return self._started().deployment

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs."""
        return self.deployment.outputs

    @property
    def calls(self) -> CallsMade:
        """What functions, schedules and state machines have called, under their names in AWS."""
        return self._started().calls

    @property
    def endpoint_url(self) -> str:
        """Where AWS clients are pointed: ``aws --endpoint-url …``."""
        return self._started().aws.endpoint_url

    @property
    def logs_dir(self) -> Path:
        """One file a function, named after it, with what it wrote."""
        return self._started().logs.directory

    def client(self, service: str, caller: str | None = None) -> Any:
        """A boto3 client of this AWS, whose calls may be noted as those of a ``caller``."""
        return self._started().aws.client(service, caller)

    def invoke(self, function_name: str, event: Any) -> Invocation:
        """Call a function, by its name or ARN in AWS, and wait for its answer."""
        return invoke(self.client("lambda"), function_name, event)

    def start(self) -> Self:
        """Deploy, read the queues, run the schedules. If that fails, nothing is left."""
        with ExitStack() as started:
            started.callback(setattr, self, "_up", None)
            up = self._start(started)
            self._running = started.pop_all()
        self._up = up
        return self

    def stop(self) -> None:
        """End everything that runs, at once; more than once does no harm."""
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _started(self) -> "_Up":
        if self._up is None:
            raise AwsError("the embedded AWS is not running: start() it first")
        return self._up

    def _start(self, started: ExitStack) -> "_Up":
        """The order matters: what is entered last ends first."""
        stopping = threading.Event()
        work_dir = self.work_dir or Path(started.enter_context(tempfile.TemporaryDirectory()))
        aws = started.enter_context(Aws(port=self.port, region=self.region))
        logs = FunctionLogs(work_dir / "logs", aws.client)
        runtime = Runtime(
            code_dir=self.code_dir.resolve(),
            runtime_dir=self.runtime_dir.resolve(),
            cache_dir=(self.cache_dir or work_dir / "pycache").resolve(),
            endpoint_url=aws.endpoint_url,
        )
        lambdas = Lambdas(runtime, logs)
        calls = CallsMade()
        log_groups: dict[str, str] = {}
        urls: dict[str, str] = {}
        started.enter_context(noting(calls))
        started.enter_context(one_at_a_time(stopping))
        started.enter_context(fit_for_many_messages())
        started.enter_context(one_call_at_a_time())
        started.enter_context(fit_for_many_items())
        started.enter_context(serving(lambdas, log_groups))
        started.enter_context(answering(urls, partial(invoke, aws.client("lambda"))))
        started.enter_context(named())
        started.enter_context(parsed_one_at_a_time())
        started.enter_context(ended_with(aws, stopping))
        started.enter_context(announcing(aws))
        started.enter_context(failing_with_their_items())
        deployment = deploy(
            aws,
            program=self.program.resolve(),
            stack=self.stack,
            config=self.config,
            secrets=self.secrets,
        )
        log_groups.update(_log_groups(deployment))
        urls.update(open_urls(deployment))
        workers: list[Poller | Ticker] = [
            *_pollers(aws, deployment, stopping),
            *_tickers(aws, deployment, stopping, self.minute_seconds),
        ]
        for worker in workers:
            worker.start()
            started.callback(worker.join)
        # First nothing new is begun; then what is being worked on ends with its function.
        started.callback(lambdas.stop)
        started.callback(stopping.set)
        return _Up(aws, logs, deployment, calls)


@dataclass(frozen=True)
class _Up:
    aws: Aws
    logs: FunctionLogs
    deployment: Deployment
    calls: CallsMade


def _pollers(aws: Aws, deployment: Deployment, stopping: threading.Event) -> list[Poller]:
    return [
        Poller(
            QueueMapping.from_inputs(mapping.inputs),
            aws.client("sqs"),
            lambda name, event: invoke(aws.client("lambda"), name, event),
            stopping,
        )
        for mapping in deployment.of_type(_MAPPING)
        if mapping.inputs.get("enabled") is not False
    ]


def _tickers(
    aws: Aws, deployment: Deployment, stopping: threading.Event, minute_seconds: float
) -> list[Ticker]:
    return [
        Ticker(
            Schedule.from_inputs(found.name, found.inputs),
            partial(aws.client, caller=found.outputs["name"]),
            stopping,
            minute_seconds,
        )
        for found in deployment.of_type(_SCHEDULE)
        if found.inputs.get("state") != "DISABLED"
    ]


def _log_groups(deployment: Deployment) -> dict[str, str]:
    """The log groups of the functions that were given one."""
    groups = {
        function.id: (function.inputs.get("loggingConfig") or {}).get("logGroup")
        for function in deployment.of_type(_FUNCTION)
    }
    return {name: group for name, group in groups.items() if group}
