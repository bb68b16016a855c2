"""The state machine against the models and errors of the functions that it runs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from functions import errors
from functions.messages import FileBatchRef, MarketAnalysisRequest, RequestContext
from infra.state_machines import (
    TRANSIENT_ERRORS,
    Polling,
    poll_delays,
    vector_store_batch_flow,
)

POLLING = Polling(
    interval_seconds=10,
    max_attempts=10,
    backoff_rate=1,
    max_delay_seconds=300,
    flow_timeout_seconds=3600,
)
REF = FileBatchRef(
    vector_store_id="vs_1",
    vector_store_name="news/example.com",
    batch_id="vsfb_1",
    context=RequestContext.parse({"domain": "example.com", "type": "news"}),
)


def machine(polling: Polling = POLLING) -> dict[str, Any]:
    return vector_store_batch_flow(
        polling=polling,
        check_function_arn="arn:check",
        notify_queue_url="https://notify",
        dead_letter_queue_url="https://letters",
    )


def retrier(error: str, polling: Polling = POLLING) -> dict[str, Any]:
    [found] = [
        r
        for r in machine(polling)["States"]["CheckBatchStatus"]["Retry"]
        if error in r["ErrorEquals"]
    ]
    return dict(found)


def test_a_pending_batch_is_checked_again_at_the_configured_interval() -> None:
    assert retrier("BatchPending") == {
        "ErrorEquals": ["BatchPending"],
        "IntervalSeconds": 10,
        "MaxAttempts": 10,
        "BackoffRate": 1,
    }


def test_a_back_off_has_a_cap() -> None:
    polling = Polling(
        interval_seconds=10,
        max_attempts=5,
        backoff_rate=2,
        max_delay_seconds=60,
        flow_timeout_seconds=3600,
    )
    assert retrier("BatchPending", polling)["MaxDelaySeconds"] == 60
    assert list(poll_delays(polling)) == [10, 20, 40, 60, 60]


def test_what_is_not_the_batchs_fault_has_a_retrier_of_its_own_with_back_off_and_jitter() -> None:
    transient = retrier("OpenAIUnavailableError")
    assert transient["JitterStrategy"] == "FULL"
    assert transient["BackoffRate"] > 1
    assert {"Lambda.TooManyRequestsException", "Sandbox.Timedout"} <= set(transient["ErrorEquals"])
    assert "BatchPending" not in transient["ErrorEquals"]


def test_every_error_of_ours_that_the_machine_names_exists_and_none_is_final() -> None:
    for name in TRANSIENT_ERRORS:
        if "." not in name:
            assert issubclass(getattr(errors, name), errors.RetryableError)
    for name in ("BatchPending", "BatchFailed"):
        assert getattr(errors, name).__name__ == name


def test_every_error_that_passes_by_itself_is_retried() -> None:
    # What another worker or the next run of the flow does again, and no retrier.
    left = {"LeaseHeldError", "LeaseLostError", "CountsDisagreeError"}
    ours = {error.__name__ for error in errors.RetryableError.__subclasses__()}
    assert ours - left <= set(TRANSIENT_ERRORS)


def test_every_end_but_success_keeps_a_dead_letter_first() -> None:
    states = machine()["States"]
    for name, state in states.items():
        for catch in state.get("Catch", []):
            if not name.startswith("Keep"):
                assert states[catch["Next"]]["Parameters"]["QueueUrl"] == "https://letters"
    catches = states["CheckBatchStatus"]["Catch"]
    assert [(c["ErrorEquals"], states[c["Next"]]["Next"]) for c in catches] == [
        (["BatchPending"], "PollTimeout"),
        (["BatchFailed"], "BatchDidNotComplete"),
        (["States.ALL"], "BatchDidNotComplete"),
    ]


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and inner.startswith("$.") and key.endswith(".$"):
                yield inner
            else:
                yield from _paths(inner)


def _exists(path: str, value: Any) -> bool:
    for step in path.removeprefix("$.").split("."):
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def test_every_path_that_the_machine_reads_is_there_even_when_the_request_said_nothing() -> None:
    # A missing path is a States.Runtime error, which nothing in a machine can catch.
    known = REF.to_wire() | {"failure": {"Error": "E", "Cause": "C"}}
    paths = [path for state in machine()["States"].values() for path in _paths(state)]
    assert len(paths) >= 12
    for path in paths:
        assert _exists(path, known), path


def test_the_notification_is_a_market_analysis_request() -> None:
    body = machine()["States"]["NotifyMarketAnalysis"]["Parameters"]["MessageBody"]
    fields = {key.removesuffix(".$") for key in body}
    assert fields == set(MarketAnalysisRequest.model_json_schema(by_alias=True)["properties"])


@pytest.mark.parametrize("name", ["CheckBatchStatus", "NotifyMarketAnalysis"])
def test_the_specified_states_are_there(name: str) -> None:
    assert machine()["States"][name]["Type"] == "Task"


def test_no_state_is_unreachable_and_none_is_missing() -> None:
    definition = machine()
    named = set(re.findall(r"'(?:Next|StartAt)': '(\w+)'", str(definition)))
    assert named == set(definition["States"])
