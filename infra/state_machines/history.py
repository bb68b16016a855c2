"""How long the history of one execution can become.

Step Functions ends an execution that has more events than 25,000, those of an inline Map's
iterations among them; a Distributed Map's children have histories of their own.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

MOST_EVENTS = 25_000
EVENTS_A_TRY = 3  # scheduled, started, and how it ended
_AROUND_AN_EXECUTION = _AROUND_AN_ITERATION = _AROUND_A_STATE = 2
_AROUND_A_MAP = 4  # entered, started, ended, left
_AROUND_A_MAP_RUN = 2


def worst_case_events(definition: Mapping[str, Any], *, items: int) -> int:
    """The most events of one execution whose inline Maps have ``items`` items each.

    Every state is counted, with all of its retries. The states of a loop are counted as often as
    it can go round before the machine's time-out, if a round takes at least half of the time-outs
    of its tasks: a loop is for work that did not fit into them.
    """
    states: Mapping[str, Any] = definition["States"]
    loop = [name for name in states if name in _reached_from(name, states)]
    seconds = sum(states[name].get("TimeoutSeconds", 0) for name in loop)
    rounds = math.ceil(definition.get("TimeoutSeconds", 0) / (seconds / 2)) if loop else 1
    return _AROUND_AN_EXECUTION + sum(
        _events(state, items) * (rounds if name in loop else 1) for name, state in states.items()
    )


def _events(state: Mapping[str, Any], items: int) -> int:
    tries: int = 1 + sum(retrier["MaxAttempts"] for retrier in state.get("Retry", ()))
    if state["Type"] == "Task":
        return _AROUND_A_STATE + EVENTS_A_TRY * tries
    if state["Type"] != "Map":
        return _AROUND_A_STATE
    processor = state["ItemProcessor"]
    if processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
        return _AROUND_A_MAP + _AROUND_A_MAP_RUN * tries
    inside: int = sum(_events(inner, items) for inner in processor["States"].values())
    return _AROUND_A_MAP + tries * items * (_AROUND_AN_ITERATION + inside)


def _reached_from(name: str, states: Mapping[str, Any]) -> set[str]:
    """The states that can come after one."""
    reached: set[str] = set()
    waiting = list(_next(states[name]))
    while waiting:
        found = waiting.pop()
        if found not in reached:
            reached.add(found)
            waiting += _next(states[found])
    return reached


def _next(state: Mapping[str, Any]) -> Iterator[str]:
    for step in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        if "Next" in step:
            yield step["Next"]
    if "Default" in state:
        yield state["Default"]
