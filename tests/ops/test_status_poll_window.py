"""The window of a poll, as the program's own state machine has it."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from infra.state_machines import (
    CHECK_TIMEOUT_SECONDS,
    Polling,
    poll_delays,
    vector_store_batch_flow,
)
from ops.status.poll_window import poll_window

POLLINGS = st.builds(
    Polling,
    interval_seconds=st.integers(1, 1000),
    max_attempts=st.integers(0, 50),
    backoff_rate=st.sampled_from([1.0, 1.5, 2.0, 10.0]),
    max_delay_seconds=st.integers(1000, 5000),
    flow_timeout_seconds=st.just(100_000),
)


@given(POLLINGS)
def test_the_window_is_what_the_deployed_machine_waits_and_checks(polling: Polling) -> None:
    definition = vector_store_batch_flow(
        polling=polling,
        check_function_arn="check",
        notify_queue_url="notify",
        dead_letter_queue_url="dead",
    )
    window = poll_window(json.dumps(definition))
    checks = polling.max_attempts + 1
    assert window is not None
    assert math.isclose(window, sum(poll_delays(polling)) + checks * CHECK_TIMEOUT_SECONDS)


def test_a_machine_that_polls_in_another_way_has_none() -> None:
    assert poll_window('{"States": {"Other": {"Type": "Succeed"}}}') is None
