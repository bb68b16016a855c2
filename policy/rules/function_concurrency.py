"""How many of a function run at once is bounded by what invokes it: a mapping, a Map, a schedule.

Not by a reservation: an account with a small limit has none to give. Outside of a Map, an execution
of a state machine has one call of a function at a time.
"""

import json
from collections.abc import Iterator

from pulumi_policy import PolicyResource

from rules.reading.documents import maps
from rules.reading.rule import StackRule
from rules.reading.stack import Stack
from rules.reading.types import FUNCTION, MACHINE, MAPPING, SCHEDULE


def _check(stack: Stack, function: PolicyResource) -> Iterator[str]:
    mappings = stack.referring(MAPPING, "functionName", function)
    machines = stack.referring(MACHINE, "definition", function)
    if not [*mappings, *machines, *stack.referring(SCHEDULE, "target", function)]:
        yield "No mapping, state machine or schedule of this stack bounds how many run at once."
    for mapping in mappings:
        if not (mapping.props.get("scalingConfig") or {}).get("maximumConcurrency"):
            yield f"Set the maximum_concurrency of {mapping.name}."
    for machine in machines:
        yield from _unbounded_maps(machine, function)


def _unbounded_maps(machine: PolicyResource, function: PolicyResource) -> Iterator[str]:
    for state in maps(json.loads(machine.props["definition"])):
        calls = function.props["arn"] in json.dumps(state)
        # None, and 0, are as many as there are items.
        if calls and not state.get("MaxConcurrency"):
            yield f"A Map of {machine.name} calls it without a MaxConcurrency."


RULE = StackRule(
    "function-concurrency",
    "A function's concurrency is bounded by its mapping, Map or schedule.",
    _check,
    types=frozenset({FUNCTION}),
)
