"""The interpreter in virtual time does what Step Functions does with the two machines."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.faults.clock import Clock, virtual_time
from tests.faults.machines import Machine, StateError

pytestmark = pytest.mark.faults

CALL = {"Type": "Task", "Resource": "call", "Parameters": {"Payload.$": "$"}}
RETRIER = {
    "ErrorEquals": ["Busy"],
    "IntervalSeconds": 2,
    "MaxAttempts": 3,
    "BackoffRate": 2,
    "MaxDelaySeconds": 5,
}


def machine(
    states: Mapping[str, Any],
    task: Callable[[str, Mapping[str, Any]], Any] = lambda _, parameters: parameters["Payload"],
    **more: Any,
) -> Machine:
    definition = {"StartAt": next(iter(states)), "TimeoutSeconds": 3600, "States": states, **more}
    return Machine(
        definition=definition,
        task=task,
        read_object=lambda _bucket, _key: json.dumps([1, 2]).encode(),
    )


def failing(errors: Sequence[str]) -> Callable[[str, Mapping[str, Any]], Any]:
    """A task that fails so, one after another, and then says ``done``."""
    left = list(errors)

    def task(_resource: str, _parameters: Mapping[str, Any]) -> Any:
        if left:
            raise StateError(left.pop(0), "because")
        return "done"

    return task


@pytest.fixture
def clock() -> Any:
    with virtual_time() as standing:
        yield standing


def test_a_retrier_waits_longer_each_time_up_to_its_limit(clock: Clock) -> None:
    states = {"A": {**CALL, "Retry": [RETRIER], "End": True}}
    began = time.time()

    assert machine(states, failing(["Busy"] * 3)).run("arn", {}) == "done"
    assert time.time() - began == 2 + 4 + 5


def test_a_retrier_gives_up_after_its_attempts(clock: Clock) -> None:
    states = {"A": {**CALL, "Retry": [RETRIER], "End": True}}

    with pytest.raises(StateError, match="Busy"):
        machine(states, failing(["Busy"] * 4)).run("arn", {})


def test_a_retrier_takes_no_other_error(clock: Clock) -> None:
    states = {"A": {**CALL, "Retry": [RETRIER], "End": True}}

    with pytest.raises(StateError, match="Other"):
        machine(states, failing(["Other"])).run("arn", {})


def test_each_retrier_counts_its_own_attempts(clock: Clock) -> None:
    once = {"IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}
    retriers = [{"ErrorEquals": ["A"], **once}, {"ErrorEquals": ["B"], **once}]
    states = {"A": {**CALL, "Retry": retriers, "End": True}}

    assert machine(states, failing(["A", "B"])).run("arn", {}) == "done"
    with pytest.raises(StateError, match="A"):
        machine(states, failing(["A", "B", "A"])).run("arn", {})


def test_the_first_catcher_that_matches_goes_on_with_the_failure() -> None:
    catchers = [
        {"ErrorEquals": ["Other"], "Next": "Wrong"},
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "B"},
    ]
    states = {
        "A": {**CALL, "Catch": catchers, "Next": "Wrong"},
        "B": {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"},
    }

    with pytest.raises(StateError) as failed:
        machine(states, failing(["Busy"])).run("arn", {"a": 1})
    assert (failed.value.error, failed.value.cause) == ("Busy", "because")


def test_an_execution_ends_when_its_time_is_up(clock: Clock) -> None:
    states = {"A": {**CALL, "Retry": [{**RETRIER, "MaxAttempts": 99}], "End": True}}

    with pytest.raises(StateError, match=r"States\.Timeout"):
        machine(states, failing(["Busy"] * 99), TimeoutSeconds=60).run("arn", {})


def test_a_map_takes_its_items_from_the_input_or_from_an_object() -> None:
    inner = {"StartAt": "B", "States": {"B": {**CALL, "End": True}}}
    reader = {"Parameters": {"Bucket.$": "$.bucket", "Key": "list"}}
    one = {"A": {"Type": "Map", "ItemsPath": "$.all", "ItemProcessor": inner, "End": True}}
    other = {"A": {"Type": "Map", "ItemReader": reader, "ItemProcessor": inner, "End": True}}

    assert machine(one).run("arn", {"all": ["x", "y"]}) == ["x", "y"]
    assert machine(other).run("arn", {"bucket": "b"}) == [1, 2]


@pytest.mark.parametrize("tolerated", [True, False])
def test_a_map_fails_with_an_iteration_unless_it_tolerates_that(tolerated: bool) -> None:
    inner = {"StartAt": "B", "States": {"B": {**CALL, "End": True}}}
    state = {"Type": "Map", "ItemsPath": "$", "ItemProcessor": inner, "End": True}
    if tolerated:
        state["ToleratedFailurePercentage"] = 100.0
    run = machine({"A": state}, failing(["Busy"])).run

    if tolerated:
        assert run("arn", ["x", "y"]) == ["done"]
    else:
        with pytest.raises(StateError):
            run("arn", ["x", "y"])


def test_a_choice_goes_by_what_is_there_and_by_what_is_true() -> None:
    states = {
        "A": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.list[0]", "IsPresent": True, "Next": "B"},
                {"Variable": "$.more", "BooleanEquals": True, "Next": "C"},
            ],
            "Default": "D",
        },
        **{name: {"Type": "Pass", "Result": name, "End": True} for name in "BCD"},
    }

    assert machine(states).run("arn", {"list": [1]}) == "B"
    assert machine(states).run("arn", {"list": [], "more": True}) == "C"
    assert machine(states).run("arn", {"list": [], "more": False}) == "D"
    assert machine(states).run("arn", {}) == "D"


def test_results_are_selected_placed_and_put_out() -> None:
    states = {
        "A": {
            **CALL,
            "ResultSelector": {"n.$": "$.number"},
            "ResultPath": "$.a",
            "Next": "B",
        },
        "B": {**CALL, "ResultPath": None, "OutputPath": "$.a", "End": True},
    }

    assert machine(states).run("arn", {"number": 7}) == {"n": 7}


def test_the_context_has_the_execution() -> None:
    parameters = {"Payload": {"of.$": "$$.Execution.Id", "with.$": "$$.Execution.Input"}}
    states = {"A": {**CALL, "Parameters": parameters, "End": True}}

    assert machine(states).run("arn", {"a": 1}) == {"of": "arn", "with": {"a": 1}}


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Wait", "Seconds": 1, "End": True},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "A"}]},
        {**CALL, "Parameters": {"Payload.$": "States.Format('{}', $.a)"}, "End": True},
    ],
)
def test_what_it_does_not_know_it_refuses(state: dict[str, Any]) -> None:
    with pytest.raises((NotImplementedError, KeyError)):
        machine({"A": state}).run("arn", {"a": 1})
