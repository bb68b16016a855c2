"""Functions: traced, bounded, without secrets, and with a place for logs and for failures."""

import json
from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from rules import (
    function_concurrency,
    function_failure_destination,
    function_secrets,
    function_tracing,
    log_retention,
)
from rules.reading.types import (
    EVENT_TARGET,
    FAILURE_CONFIG,
    FUNCTION,
    FUNCTION_URL,
    LOG_GROUP,
    MACHINE,
    MAPPING,
    SCHEDULE,
)
from tests.policy.seen import Seen, complaints, seen, undecided

WORKER = seen(FUNCTION, "worker", {})
OTHER = seen(FUNCTION, "other", {})


def test_a_traced_function_is_right() -> None:
    function = seen(FUNCTION, "worker", {"tracingConfig": {"mode": "Active"}})
    assert complaints(function_tracing.RULE, function) == []


@pytest.mark.parametrize("inputs", [{}, {"tracingConfig": {"mode": "PassThrough"}}])
def test_a_function_that_is_not_traced_is_wrong(inputs: dict[str, Any]) -> None:
    assert complaints(function_tracing.RULE, seen(FUNCTION, "worker", inputs)) == [
        ("worker", "Set the mode of tracing_config to Active.")
    ]


def test_logs_of_a_group_that_ends_are_right() -> None:
    group = seen(LOG_GROUP, "logs", {"retentionInDays": 30})
    function = seen(FUNCTION, "worker", {}, loggingConfig=group)
    assert complaints(log_retention.RULE, group, function) == []


@pytest.mark.parametrize("inputs", [{}, {"retentionInDays": 0}])
def test_logs_that_are_kept_for_ever_are_wrong(inputs: dict[str, Any]) -> None:
    group = seen(LOG_GROUP, "logs", inputs)
    assert complaints(log_retention.RULE, group) == [("logs", "Set retention_in_days.")]


def test_a_function_whose_log_group_lambda_makes_is_wrong() -> None:
    group = seen(LOG_GROUP, "logs", {"retentionInDays": 30})
    [(name, _)] = complaints(log_retention.RULE, group, WORKER)
    assert name == "worker"


def with_variables(**variables: str) -> Seen:
    """A function with an environment."""
    return seen(FUNCTION, "worker", {"environment": {"variables": variables}})


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OPENAI_API_KEY_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:1:secret:key-1a2b3c"},
        {"COMPLETION_MAX_ENQUEUED_TOKENS": "2000000", "LABEL_TABLE": "sk-table"},
        {"QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/task-queue-of-documents"},
    ],
)
def test_an_environment_that_says_where_a_secret_is_is_right(variables: dict[str, str]) -> None:
    assert complaints(function_secrets.RULE, with_variables(**variables)) == []


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "CLIENT_SECRET", "GITHUB_TOKEN", "DB_PASSWORD", "CREDENTIALS", "apiKey"],
)
def test_a_variable_that_is_named_like_a_secret_is_wrong(name: str) -> None:
    for value in ("any", UNKNOWN_STRING_VALUE):
        [(_, message)] = complaints(function_secrets.RULE, with_variables(**{name: value}))
        assert message.startswith(f"{name} is named like a secret")


@pytest.mark.parametrize(
    "value",
    [
        "sk-proj-abcdefghijklmnop",
        "Bearer sk-abcdefghijklmnop1",
        "pcsk_abcdefghijklmnop1",
        "whsec_YWJjZGVm+/doaWprbG0=",
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_value_that_looks_like_a_secret_is_wrong_and_not_repeated(value: str) -> None:
    [(_, message)] = complaints(function_secrets.RULE, with_variables(GREETING=value))
    assert message.startswith("GREETING holds a secret")
    assert value not in message


def test_what_is_not_known_yet_keeps_no_secret_from_being_found() -> None:
    # A map on the wire has no order, so most of them come before the one that is known.
    unknown = {f"UNKNOWN_{number}": UNKNOWN_STRING_VALUE for number in range(30)}
    function = with_variables(GREETING="sk-abcdefghijklmnop1", **unknown)
    assert len(complaints(function_secrets.RULE, function)) == 1
    assert undecided(function_secrets.RULE, function)


STARTED = [
    seen(SCHEDULE, "every-hour", {}, target=WORKER),
    seen(EVENT_TARGET, "on-event", {}, arn=WORKER),
]
KEPT = {"destinationConfig": {"onFailure": {"destination": UNKNOWN_STRING_VALUE}}}


@pytest.mark.parametrize("starting", STARTED)
def test_a_function_whose_failures_are_kept_is_right(starting: Seen) -> None:
    config = seen(FAILURE_CONFIG, "kept", KEPT, functionName=WORKER)
    assert complaints(function_failure_destination.RULE, WORKER, OTHER, starting, config) == []


@pytest.mark.parametrize("starting", STARTED)
@pytest.mark.parametrize(
    "config",
    [
        seen(FAILURE_CONFIG, "kept", {}, functionName=WORKER),
        seen(
            FAILURE_CONFIG,
            "kept",
            {"destinationConfig": {"onSuccess": {"destination": "arn:of:queue"}}},
            functionName=WORKER,
        ),
        seen(FAILURE_CONFIG, "kept", KEPT, functionName=OTHER),
    ],
)
def test_a_function_whose_failures_are_dropped_is_wrong(starting: Seen, config: Seen) -> None:
    assert complaints(function_failure_destination.RULE, WORKER, OTHER, starting, config) == [
        ("worker", f"{starting.name} waits for no answer: keep its failures in a queue.")
    ]


def machine(definition: Any) -> Seen:
    """A state machine whose definition names the worker."""
    return seen(MACHINE, "flow", {"definition": json.dumps(definition)}, definition=WORKER)


CALL = {"Type": "Task", "Parameters": {"FunctionName": "arn:of:worker"}}


def in_a_map(**fields: Any) -> dict[str, Any]:
    """A definition that calls the worker in a Map within a Map that has a bound."""
    inner = {"Type": "Map", "ItemProcessor": {"States": {"Call": CALL}}, **fields}
    outer = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {"States": {"Each": inner}}}
    return {"States": {"All": outer}}


@pytest.mark.parametrize(
    "invoking",
    [
        seen(SCHEDULE, "every-hour", {}, target=WORKER),
        seen(MAPPING, "feeds", {"scalingConfig": {"maximumConcurrency": 2}}, functionName=WORKER),
        machine({"States": {"Call": CALL}}),
        machine(in_a_map(MaxConcurrency=10)),
        machine({"States": {"Call": CALL, "Another": {"Type": "Map", "States": {}}}}),
    ],
)
def test_a_function_that_is_bounded_by_what_invokes_it_is_right(invoking: Seen) -> None:
    assert complaints(function_concurrency.RULE, WORKER, invoking) == []


@pytest.mark.parametrize(
    ("invoking", "message"),
    [
        (
            seen(MAPPING, "feeds", {}, functionName=WORKER),
            "Set the maximum_concurrency of feeds.",
        ),
        (machine(in_a_map()), "A Map of flow calls it without a MaxConcurrency."),
        (machine(in_a_map(MaxConcurrency=0)), "A Map of flow calls it without a MaxConcurrency."),
    ],
)
def test_a_function_of_which_any_number_runs_is_wrong(invoking: Seen, message: str) -> None:
    assert complaints(function_concurrency.RULE, WORKER, invoking) == [("worker", message)]


def test_a_function_that_nothing_invokes_is_wrong() -> None:
    schedule = seen(SCHEDULE, "every-hour", {}, target=OTHER)
    [(name, _)] = complaints(function_concurrency.RULE, WORKER, OTHER, schedule)
    assert name == "worker"


def with_a_url(**inputs: Any) -> tuple[Seen, Seen]:
    """A function that anybody may call, and its URL."""
    function = seen(FUNCTION, "worker", inputs)
    return function, seen(FUNCTION_URL, "front-door", {}, functionName=function)


def test_a_function_with_a_url_and_a_reservation_is_right() -> None:
    assert complaints(function_concurrency.RULE, *with_a_url(reservedConcurrentExecutions=5)) == []


@pytest.mark.parametrize("inputs", [{}, {"reservedConcurrentExecutions": -1}])
def test_a_function_with_a_url_and_no_reservation_is_wrong(inputs: dict[str, Any]) -> None:
    assert complaints(function_concurrency.RULE, *with_a_url(**inputs)) == [
        ("worker", "Set its reserved_concurrent_executions: anybody may call front-door.")
    ]


def test_a_definition_that_is_not_known_yet_is_left_open() -> None:
    flow = seen(MACHINE, "flow", {"definition": UNKNOWN_STRING_VALUE}, definition=WORKER)
    assert complaints(function_concurrency.RULE, WORKER, flow) == []
    assert undecided(function_concurrency.RULE, WORKER, flow)
