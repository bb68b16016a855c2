"""What starts and feeds what, drawn from mappings, schedules, rules, machines and grants."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docs.generate import mermaid
from docs.generate.mermaid import Shape
from docs.generate.program import Program, Resource, logical_name

_SHAPES = {
    "aws:sqs/queue:Queue": Shape.SLANTED,
    "aws:lambda/function:Function": Shape.BOX,
    "aws:sfn/stateMachine:StateMachine": Shape.HEXAGON,
    "aws:scheduler/schedule:Schedule": Shape.PILL,
    "aws:lambda/functionUrl:FunctionUrl": Shape.PILL,
}
_FLOWS = ("openai-batch-flows:index:IngestPipeline", "openai-batch-flows:index:CompletionFlow")
_STARTS = "states:StartExecution"


@dataclass(frozen=True, order=True)
class Feed:
    """Something goes from one resource to another."""

    source: str
    target: str
    text: str
    failed: bool = False
    """Only what could not be done goes there."""


def wiring(program: Program) -> str:
    """A picture for each flow: all that feeds its resources, and all that they feed."""
    shapes = {r.name: _SHAPES[r.type] for r in program.resources if r.type in _SHAPES}
    flows = [r.name for r in program.resources if r.type in _FLOWS]
    found = list(feeds(program))
    return "\n".join(
        f"### `{flow}`\n\n{_picture(sorted(_of(flow, found)), shapes)}" for flow in flows
    )


def feeds(program: Program) -> Iterator[Feed]:
    """Everything that starts or feeds something."""
    for token, of in _READERS.items():
        for resource in program.of(token):
            yield from of(resource)
    yield from _started_by_functions(program)


def _of(flow: str, found: Sequence[Feed]) -> set[Feed]:
    """The feeds that begin or end in a flow, and those that lead there from outside."""
    own = {
        feed
        for feed in found
        if any(name.startswith(f"{flow}-") for name in (feed.source, feed.target))
    }
    while outside := {f for f in found if f.target in {other.source for other in own}} - own:
        own |= outside
    return own


def _picture(found: list[Feed], shapes: Mapping[str, Shape]) -> str:
    names = sorted({name for feed in found for name in (feed.source, feed.target)})
    return mermaid.block(
        "flowchart LR",
        *(f"  {mermaid.node(name, shapes[name], name)}" for name in names),
        *(f"  {mermaid.edge(f.source, f.target, f.text, dotted=f.failed)}" for f in found),
    )


def _mapping(resource: Resource) -> Iterator[Feed]:
    given = resource.inputs
    yield Feed(
        logical_name(given["eventSourceArn"]),
        logical_name(given["functionName"]),
        f"up to {given['batchSize']} a batch, "
        f"{given['scalingConfig']['maximumConcurrency']} at once",
    )


def _queue(resource: Resource) -> Iterator[Feed]:
    if "redrivePolicy" in resource.inputs:
        redrive = resource.document("redrivePolicy")
        letters = logical_name(redrive["deadLetterTargetArn"])
        yield Feed(resource.name, letters, f"after {redrive['maxReceiveCount']} tries", failed=True)


def _schedule(resource: Resource) -> Iterator[Feed]:
    target = resource.inputs["target"]
    every = re.sub(r"rate\((.+)\)", r"every \1", resource.inputs["scheduleExpression"])
    yield Feed(resource.name, logical_name(target["arn"]), every)
    letters = logical_name(target["deadLetterConfig"]["arn"])
    yield Feed(resource.name, letters, "could not start it", failed=True)


def _failures(resource: Resource) -> Iterator[Feed]:
    given = resource.inputs
    letters = given["destinationConfig"]["onFailure"]["destination"]
    yield Feed(
        logical_name(given["functionName"]),
        logical_name(letters),
        f"after {given['maximumRetryAttempts'] + 1} tries",
        failed=True,
    )


def _machine(resource: Resource) -> Iterator[Feed]:
    for parameters in _parameters(resource.document("definition")):
        if "FunctionName" in parameters:
            yield Feed(resource.name, logical_name(parameters["FunctionName"]), "calls")
        if "QueueUrl" in parameters:
            yield Feed(resource.name, logical_name(parameters["QueueUrl"]), "sends to")


def _parameters(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in definition["States"].values():
        yield state.get("Parameters", {})
        if "ItemProcessor" in state:
            yield from _parameters(state["ItemProcessor"])


def _function_url(resource: Resource) -> Iterator[Feed]:
    yield Feed(resource.name, logical_name(resource.inputs["functionName"]), "HTTPS")


_READERS = {
    "aws:lambda/eventSourceMapping:EventSourceMapping": _mapping,
    "aws:sqs/queue:Queue": _queue,
    "aws:scheduler/schedule:Schedule": _schedule,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _failures,
    "aws:sfn/stateMachine:StateMachine": _machine,
    "aws:lambda/functionUrl:FunctionUrl": _function_url,
}


def _started_by_functions(program: Program) -> Iterator[Feed]:
    """Executions that functions may start, and those whose end a rule watches."""
    functions = {r.inputs["role"].rpartition(":")[2]: r.name for r in _functions(program)}
    for policy in program.of("aws:iam/rolePolicy:RolePolicy"):
        function = functions.get(policy.inputs["role"])
        for statement in policy.document("policy")["Statement"]:
            if function and _STARTS in statement["Action"]:
                for machine in statement["Resource"]:
                    yield Feed(function, logical_name(machine), "starts")
    rules = {rule.name: rule for rule in program.of("aws:cloudwatch/eventRule:EventRule")}
    for target in program.of("aws:cloudwatch/eventTarget:EventTarget"):
        rule = rules[target.inputs["rule"]]
        for machine in rule.document("eventPattern")["detail"]["stateMachineArn"]:
            letters, what = logical_name(target.inputs["arn"]), rule.inputs["description"]
            yield Feed(logical_name(machine), letters, what, failed=True)


def _functions(program: Program) -> list[Resource]:
    return program.of("aws:lambda/function:Function")
