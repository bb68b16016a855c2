"""Schedules: what is due is started, on time, with its input, and nothing else."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.embedded import EmbeddedAws
from local.schedules import Schedule, Ticker

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:f"


class Waits:
    """Stands in for the event that ends everything: it is set after so many waits."""

    def __init__(self, times: int) -> None:
        self.asked: list[float] = []
        self._times = times

    def wait(self, seconds: float) -> bool:
        self.asked.append(seconds)
        return self.is_set()

    def is_set(self) -> bool:
        return len(self.asked) > self._times


class Services:
    """Every AWS client in one: it keeps what is started."""

    def __init__(self, errors: int = 0) -> None:
        self.started: list[Mapping[str, Any]] = []
        self._errors = errors

    def __call__(self, _service: str) -> Any:
        return self

    def start_execution(self, **call: Any) -> None:
        self.started.append(call)
        if len(self.started) <= self._errors:
            raise ClientError({"Error": {"Code": "Throttled"}}, "StartExecution")

    invoke = start_execution


def schedule(target: str = MACHINE, *, minutes: int = 5, **settings: Any) -> Schedule:
    unit = "minute" if minutes == 1 else "minutes"
    return Schedule.from_inputs(
        "s",
        {
            "scheduleExpression": f"rate({minutes} {unit})",
            "target": {"arn": target, "roleArn": "r", **settings},
        },
    )


def ticked(found: Schedule, services: Services, times: int, minute_seconds: float) -> list[float]:
    """Let the schedule run so many times; what it waited for."""
    stopping: Any = Waits(times)
    ticker = Ticker(found, services, stopping, minute_seconds)
    ticker.start()
    ticker.join()
    return list(stopping.asked)


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 60.0), (5, 300.0), (1440, 86_400.0)])
def test_a_target_is_started_after_each_interval_and_not_before(
    minutes: int, seconds: float
) -> None:
    services = Services()
    assert ticked(schedule(minutes=minutes), services, 3, 60) == [seconds] * 4
    assert len(services.started) == 3


def test_how_long_a_minute_takes_can_be_said() -> None:
    assert ticked(schedule(minutes=5), Services(), 1, 0.01) == [0.05, 0.05]


def test_a_machine_is_started_with_the_input() -> None:
    services = Services()
    ticked(schedule(MACHINE, input='{"a": 1}'), services, 2, 60)
    first, second = services.started
    assert (first["stateMachineArn"], first["input"]) == (MACHINE, '{"a": 1}')
    assert first["name"] != second["name"]


def test_a_function_is_called_asynchronously_with_the_input() -> None:
    services = Services()
    ticked(schedule(FUNCTION, input='{"a": 1}'), services, 1, 60)
    assert services.started == [
        {"FunctionName": FUNCTION, "InvocationType": "Event", "Payload": b'{"a": 1}'}
    ]


def test_without_an_input_it_is_empty() -> None:
    services = Services()
    ticked(schedule(MACHINE), services, 1, 60)
    assert services.started[0]["input"] == "{}"


def test_what_could_not_be_started_is_logged_and_started_the_next_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    services = Services(errors=1)
    with caplog.at_level(logging.ERROR):
        ticked(schedule(), services, 3, 60)
    assert len(services.started) == 3
    assert [record.message for record in caplog.records] == ["the schedule s started nothing"]


def test_a_schedule_ends_when_everything_does() -> None:
    stopping = threading.Event()
    ticker = Ticker(schedule(minutes=1440), Services(), stopping)
    ticker.start()
    stopping.set()
    ticker.join()


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    """Where the functions of the schedules count their calls, one file a schedule."""
    return tmp_path / "ticks"


@pytest.fixture
def embedded(
    make_embedded: Callable[..., EmbeddedAws], ticks: Path, tmp_path: Path
) -> Iterator[EmbeddedAws]:
    with make_embedded(tmp_path / "consumed", str(ticks), minute_seconds=0.1) as running:
        yield running


@pytest.mark.embedded
def test_a_deployed_program_runs_its_schedules(
    embedded: EmbeddedAws, ticks: Path, eventually: Callable[..., Any]
) -> None:
    client = embedded.client("stepfunctions")

    def finished() -> list[Any]:
        found = client.list_executions(
            stateMachineArn=embedded.outputs["machineArn"], statusFilter="SUCCEEDED"
        )
        return list(found["executions"])

    def calls() -> int:
        count = ticks.with_name("ticks.tick")
        return int(count.read_text() or 0) if count.exists() else 0

    eventually(lambda: len(finished()) > 1 and calls() > 1)
    execution = client.describe_execution(executionArn=finished()[0]["executionArn"])
    assert json.loads(execution["input"]) == {"file": f"{ticks}.sweep", "pending": 0}
    assert not ticks.with_name("ticks.rest").exists(), "its schedule is disabled"
