"""What the history of an execution tells: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Event = Mapping[str, Any]


def checks(events: Sequence[Event]) -> int:
    """How many times CheckBatchStatus was tried."""
    return len(list(_scheduled(events, "CheckBatchStatus")))


def notification(events: Sequence[Event]) -> Mapping[str, Any] | None:
    """The message that NotifyMarketAnalysis sent; None if it has sent none."""
    sent = None
    for task in _scheduled(events, "NotifyMarketAnalysis"):
        sent = json.loads(task["parameters"])["MessageBody"]
    left = any(
        event["type"] == "TaskStateExited"
        and event["stateExitedEventDetails"]["name"] == "NotifyMarketAnalysis"
        for event in events
    )
    return sent if left else None


def _scheduled(events: Sequence[Event], state: str) -> Iterator[Mapping[str, Any]]:
    """Each try of a task, which is scheduled once and then again by every retry."""
    current = ""
    for event in events:
        if event["type"] == "TaskStateEntered":
            current = event["stateEnteredEventDetails"]["name"]
        if event["type"] == "TaskScheduled" and current == state:
            yield event["taskScheduledEventDetails"]
