"""State machines: they log their errors, and their executions end."""

from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from rules import machine_logging, machine_timeout
from rules.reading.types import MACHINE
from tests.policy.seen import complaints, seen, undecided


@pytest.mark.parametrize("level", ["ERROR", "ALL"])
@pytest.mark.parametrize("destination", ["arn:of:logs:*", UNKNOWN_STRING_VALUE])
def test_a_machine_that_logs_its_errors_is_right(level: str, destination: str) -> None:
    logging = {"level": level, "logDestination": destination}
    machine = seen(MACHINE, "flow", {"loggingConfiguration": logging})
    assert complaints(machine_logging.RULE, machine) == []


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"loggingConfiguration": {"level": "ERROR"}},
        {"loggingConfiguration": {"level": "FATAL", "logDestination": "arn:of:logs:*"}},
        {"loggingConfiguration": {"logDestination": "arn:of:logs:*"}},
    ],
)
def test_a_machine_that_does_not_log_its_errors_is_wrong(inputs: dict[str, Any]) -> None:
    [(name, _)] = complaints(machine_logging.RULE, seen(MACHINE, "flow", inputs))
    assert name == "flow"


def test_a_machine_with_a_timeout_is_right() -> None:
    machine = seen(MACHINE, "flow", {"definition": '{"TimeoutSeconds": 60, "States": {}}'})
    assert complaints(machine_timeout.RULE, machine) == []


@pytest.mark.parametrize("definition", ["{}", '{"States": {"One": {"TimeoutSeconds": 60}}}'])
def test_a_machine_without_a_timeout_of_its_own_is_wrong(definition: str) -> None:
    machine = seen(MACHINE, "flow", {"definition": definition})
    assert complaints(machine_timeout.RULE, machine) == [
        ("flow", "Give its definition TimeoutSeconds.")
    ]


def test_a_definition_that_is_not_known_yet_is_left_open() -> None:
    machine = seen(MACHINE, "flow", {"definition": UNKNOWN_STRING_VALUE})
    assert complaints(machine_timeout.RULE, machine) == []
    assert undecided(machine_timeout.RULE, machine)
