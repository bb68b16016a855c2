"""The state machines' pictures, drawn from their definitions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docs.generate import markdown, mermaid
from docs.generate.mermaid import Shape
from docs.generate.program import Program, logical_name
from infra.state_machines import TRANSIENT_ERRORS

_SHAPES = {
    "Task": Shape.BOX,
    "Choice": Shape.DIAMOND,
    "Pass": Shape.SLANTED,
    "Succeed": Shape.PILL,
    "Fail": Shape.PILL,
}
# What each kind of task does, and the parameter that says with what.
_TASKS = {
    "arn:aws:states:::lambda:invoke": ("calls", "FunctionName"),
    "arn:aws:states:::sqs:sendMessage": ("sends to", "QueueUrl"),
}
_START = "start"


def machines(program: Program) -> str:
    """A section for each state machine, under the name that the stack's outputs give it."""
    flows = {
        resource: name.removesuffix("Arn")[0].upper() + name.removesuffix("Arn")[1:]
        for name, resource in program.outputs.items()
    }
    return "\n".join(
        f"### {flows[machine.name]}\n\n{definition['Comment']}.\n\n{picture(definition)}"
        for machine in program.machines()
        for definition in [machine.document("definition")]
    )


def transient_errors(_program: Program) -> str:
    """What the pictures call transient errors."""
    return markdown.codes(TRANSIENT_ERRORS) + "\n"


def picture(definition: Mapping[str, Any]) -> str:
    """A definition as a flowchart: states, what they do and try again, and what comes after."""
    return mermaid.block(
        "flowchart TD",
        f"  {mermaid.node(_START, Shape.PILL, _START)}",
        f"  {mermaid.edge(_START, definition['StartAt'])}",
        *(f"  {line}" for line in _states(definition["States"])),
    )


def _states(states: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, state in states.items():
        lines = [name, *_does(state), *map(_tries, state.get("Retry", ()))]
        if state["Type"] == "Map":
            yield mermaid.subgraph(name, *lines)
            yield from (f"  {line}" for line in _states(state["ItemProcessor"]["States"]))
            yield "end"
        else:
            yield mermaid.node(name, _SHAPES[state["Type"]], *lines)
    for name, state in states.items():
        yield from _ways_out(name, state)


def _does(state: Mapping[str, Any]) -> Iterator[str]:
    kind = state["Type"]
    if kind == "Task":
        verb, parameter = _TASKS[state["Resource"]]
        yield f"{verb} {logical_name(state['Parameters'][parameter])}"
        if "TimeoutSeconds" in state:
            yield f"{state['TimeoutSeconds']} s at most"
    elif kind == "Map":
        yield f"{_items(state)}, {state['MaxConcurrency']} at once"
        if "ToleratedFailurePercentage" in state:
            yield f"up to {state['ToleratedFailurePercentage']:g} % may fail"
    elif kind == "Fail":
        yield "fails" + (f" with {state['Error']}" if "Error" in state else "")
    elif kind == "Succeed":
        yield "succeeds"
    elif kind == "Pass":
        yield f"answers {state['Result']}"


def _items(state: Mapping[str, Any]) -> str:
    if "ItemsPath" in state:
        return f"each of {state['ItemsPath']}"
    parameters = state["ItemReader"]["Parameters"]
    return f"distributed, each of the list in S3 at {parameters['Key.$']}"


def _tries(retrier: Mapping[str, Any]) -> str:
    rate = retrier["BackoffRate"]
    text = (
        f"{_errors(retrier['ErrorEquals'])}: again {retrier['MaxAttempts']} times, "
        f"after {retrier['IntervalSeconds']} s"
    )
    if rate > 1:
        text += f", {rate:g} times as long each time"
    if "MaxDelaySeconds" in retrier:
        text += f", up to {retrier['MaxDelaySeconds']} s"
    return text + (", at random" if retrier.get("JitterStrategy") == "FULL" else "")


def _errors(names: Sequence[str]) -> str:
    if tuple(names) == TRANSIENT_ERRORS:
        return "transient errors"
    return "any error" if list(names) == ["States.ALL"] else ", ".join(names)


def _ways_out(name: str, state: Mapping[str, Any]) -> Iterator[str]:
    if "Next" in state:
        yield mermaid.edge(name, state["Next"])
    for rule in state.get("Choices", ()):
        yield mermaid.edge(name, rule["Next"], _condition(rule))
    if "Default" in state:
        yield mermaid.edge(name, state["Default"], "else")
    for catcher in state.get("Catch", ()):
        yield mermaid.edge(name, catcher["Next"], _errors(catcher["ErrorEquals"]), dotted=True)


def _condition(rule: Mapping[str, Any]) -> str:
    [(operator, value)] = [pair for pair in rule.items() if pair[0] not in ("Variable", "Next")]
    words = {("IsPresent", True): "is there", ("BooleanEquals", True): "is true"}
    return f"{rule['Variable']} {words[operator, value]}"
