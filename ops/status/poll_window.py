"""How long a file batch may be polled for, as the deployed state machine has it."""

import json
from collections.abc import Mapping
from typing import Any

_STATE, _PENDING = "CheckBatchStatus", "BatchPending"


def poll_window(definition: str) -> float | None:
    """The seconds from the first check to the end of the last; None if it polls in another way.

    ``definition`` is the state machine's, as JSON text. Each interval is the one before it times
    the back-off rate, up to the longest:
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    state = json.loads(definition)["States"].get(_STATE, {})
    for retrier in state.get("Retry", []):
        if _PENDING in retrier["ErrorEquals"]:
            checks = retrier["MaxAttempts"] + 1
            return sum(_intervals(retrier)) + float(checks * state["TimeoutSeconds"])
    return None


def _intervals(retrier: Mapping[str, Any]) -> list[float]:
    intervals, interval = [], float(retrier["IntervalSeconds"])
    for _ in range(retrier["MaxAttempts"]):
        intervals.append(interval)
        interval *= retrier["BackoffRate"]
        interval = min(interval, retrier.get("MaxDelaySeconds", interval))
    return intervals
