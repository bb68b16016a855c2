"""How many of a function run at once is bounded by what invokes it: a mapping, a Map, a schedule.

Not by a reservation: an account with a small limit has none to give. Only a URL, which anybody may
call, has no other bound. Outside of a Map, an execution of a state machine has one call of a
function at a time.
"""

import json
from collections.abc import Iterator

from pulumi_policy import PolicyResource

from rules.reading.documents import maps
from rules.reading.rule import StackRule
from rules.reading.stack import Stack
from rules.reading.types import FUNCTION, FUNCTION_URL, MACHINE, MAPPING, SCHEDULE


def _check(stack: Stack, function: PolicyResource) -> Iterator[str]:
    mappings = stack.referring(MAPPING, "functionName", function)
    machines = stack.referring(MACHINE, "definition", function)
    urls = stack.referring(FUNCTION_URL, "functionName", function)
    if not [*mappings, *machines, *urls, *stack.referring(SCHEDULE, "target", function)]:
        yield "No mapping, state machine or schedule of this stack bounds how many run at once."
    reserved = function.props.get("reservedConcurrentExecutions")
    # -1, the provider's default, is no reservation.
    if urls and (reserved is None or reserved < 0):
        yield f"Set its reserved_concurrent_executions: anybody may call {urls[0].name}."
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
    "A function's concurrency is bounded by its mapping, Map or schedule, or for a URL reserved.",
    _check,
    types=frozenset({FUNCTION}),
)
