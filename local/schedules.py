"""EventBridge Scheduler: starts what is due every so many minutes. moto only keeps schedules.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import logging
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger(__name__)

_RATE = re.compile(r"rate\(([1-9]\d*) minutes?\)")
_STARTED = ("states", "lambda")
MINUTE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One schedule: what is started every so many minutes, and with which input."""

    name: str
    minutes: int
    target_arn: str
    input: str

    @classmethod
    def from_inputs(cls, name: str, inputs: Mapping[str, Any]) -> Self:
        """From the properties of an ``aws:scheduler/schedule:Schedule``.

        ValueError for what AWS would run and nothing runs here.
        """
        target_arn = inputs["target"]["arn"]
        if _service(target_arn) not in _STARTED:
            raise ValueError(
                f"only {' and '.join(_STARTED)} are started on a schedule, not {target_arn}: add "
                "it to local/schedules.py"
            )
        return cls(
            name=name,
            minutes=_minutes(inputs["scheduleExpression"]),
            target_arn=target_arn,
            input=inputs["target"].get("input") or "{}",
        )


class Ticker:
    """Starts one schedule's target, the first time after one interval, until ``stopping``.

    ``minute_seconds`` is how long a minute takes.
    """

    def __init__(
        self,
        schedule: Schedule,
        client: Callable[[str], Any],
        stopping: threading.Event,
        minute_seconds: float = MINUTE_SECONDS,
    ) -> None:
        self._schedule = schedule
        self._client = client
        self._stopping = stopping
        self._interval = schedule.minutes * minute_seconds
        self._thread = threading.Thread(target=self._run, name=f"schedule-{schedule.name}")

    def start(self) -> None:
        """Begin to wait for the first time."""
        self._thread.start()

    def join(self) -> None:
        """Once ``stopping`` is set, wait for the end."""
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                start_target(self._client, self._schedule)
            except (BotoCoreError, ClientError):
                if not self._stopping.is_set():
                    logger.exception("the schedule %s started nothing", self._schedule.name)


def start_target(client: Callable[[str], Any], schedule: Schedule) -> None:
    """Start the state machine, or have the function called asynchronously."""
    if _service(schedule.target_arn) == "states":
        # moto names all executions that are given no name alike.
        client("stepfunctions").start_execution(
            stateMachineArn=schedule.target_arn, name=str(uuid.uuid4()), input=schedule.input
        )
    else:
        client("lambda").invoke(
            FunctionName=schedule.target_arn,
            InvocationType="Event",
            Payload=schedule.input.encode(),
        )


def _minutes(expression: str) -> int:
    match = _RATE.fullmatch(expression)
    if match is None:
        raise ValueError(
            f"only rate(n minutes) is embedded, not {expression}: add it to local/schedules.py"
        )
    return int(match[1])


def _service(arn: str) -> str:
    return arn.split(":")[2]
