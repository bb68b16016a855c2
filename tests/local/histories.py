"""What the histories of executions, and the definitions of their machines, have to say."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Event = Mapping[str, Any]


def history(states: Any, execution_arn: str) -> list[Event]:
    """All events of an execution, in their order."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def entered(events: Sequence[Event]) -> frozenset[str]:
    """The states that an execution went through."""
    return frozenset(
        event["stateEnteredEventDetails"]["name"]
        for event in events
        if "stateEnteredEventDetails" in event
    )


def failures(events: Sequence[Event]) -> list[tuple[str, str]]:
    """The tries of states that failed, each with its error if it has one."""
    by_id = {event["id"]: event for event in events}
    return [
        (_state(event, by_id), details.get("error", ""))
        for event in events
        for name, details in event.items()
        if name in ("taskFailedEventDetails", "mapRunFailedEventDetails")
    ]


def _state(event: Event, by_id: Mapping[int, Event]) -> str:
    while "stateEnteredEventDetails" not in event:
        event = by_id[event["previousEventId"]]
    return str(event["stateEnteredEventDetails"]["name"])


def deployed_states(states: Any, machine_arn: str) -> dict[str, dict[str, Any]]:
    """Every state of a machine by name, those inside its Maps among them."""
    answer = states.describe_state_machine(stateMachineArn=machine_arn)
    return dict(_states(json.loads(answer["definition"])))


def _states(definition: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in definition["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])
