"""Resources as Pulumi's engine tells a policy pack of them, and what the pack says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from rules import RULES
from rules.reading.rule import ResourceRule, StackRule

PROJECT, STACK = "openai-batch-flows", "dev"


@dataclass(frozen=True)
class Seen:
    """A resource in the engine's words: properties as they are on the wire."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    refers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The URNs of the resources that each property is made of."""

    def with_inputs(self, **inputs: Any) -> "Seen":
        """The same with other inputs, which the outputs repeat; None takes one away."""
        return Seen(
            self.urn,
            self.type,
            self.name,
            _changed(self.inputs, inputs),
            _changed(self.outputs, inputs),
            {key: urns for key, urns in self.refers.items() if inputs.get(key, "") is not None},
        )

    def alone(self) -> analyzer_pb2.AnalyzeRequest:
        """The resource before it is created."""
        request = analyzer_pb2.AnalyzeRequest(urn=self.urn, type=self.type, name=self.name)
        json_format.ParseDict(self.inputs, request.properties)
        return request

    def among_others(self) -> analyzer_pb2.AnalyzerResource:
        """The resource at the end, with what AWS added to it, as one of a stack."""
        resource = analyzer_pb2.AnalyzerResource(urn=self.urn, type=self.type, name=self.name)
        json_format.ParseDict(self.outputs, resource.properties)
        for key, urns in self.refers.items():
            resource.propertyDependencies[key].urns.extend(urns)
        return resource


def seen(token: str, name: str, inputs: Mapping[str, Any], **refers: Seen | Sequence[Seen]) -> Seen:
    """A resource made by hand; ``refers`` has the resources that its properties are made of."""
    urns = {
        key: [each.urn for each in ([others] if isinstance(others, Seen) else others)]
        for key, others in refers.items()
    }
    urn = f"urn:pulumi:{STACK}::{PROJECT}::{token}::{name}"
    return Seen(urn, token, name, inputs, {**inputs, "arn": f"arn:of:{name}"}, urns)


@dataclass(frozen=True)
class Finding:
    """What a rule said, and of which resource; of none where it could not run."""

    rule: str
    resource: str
    message: str
    level: str

    @property
    def is_violation(self) -> bool:
        return not self.message.startswith("can't run policy")


def found(
    resources: Iterable[Seen],
    rules: Sequence[ResourceRule | StackRule] = RULES,
    level: EnforcementLevel = EnforcementLevel.ADVISORY,
) -> list[Finding]:
    """What the rules say of a stack, through pulumi-policy's own reading of the wire."""
    resources = list(resources)
    pack: Any = _PolicyAnalyzerServicer("pack", "0.1.0", list(rules), level)
    findings = [
        _finding(diagnostic, each.name)
        for each in resources
        for diagnostic in pack.Analyze(each.alone(), None).diagnostics
    ]
    stack = analyzer_pb2.AnalyzeStackRequest(resources=[each.among_others() for each in resources])
    return findings + [
        _finding(diagnostic, diagnostic.urn.rpartition("::")[2])
        for diagnostic in pack.AnalyzeStack(stack, None).diagnostics
    ]


def complaints(rule: ResourceRule | StackRule, *resources: Seen) -> list[tuple[str, str]]:
    """What one rule finds wrong: the resource's name, and the sentence that says so."""
    return [
        (finding.resource, finding.message.removeprefix(f"{rule.description}\n"))
        for finding in found(resources, [rule])
        if finding.is_violation
    ]


def undecided(rule: ResourceRule | StackRule, *resources: Seen) -> bool:
    """Whether the rule says that it cannot know yet."""
    return any(not finding.is_violation for finding in found(resources, [rule]))


def _finding(diagnostic: analyzer_pb2.AnalyzeDiagnostic, resource: str) -> Finding:
    return Finding(
        diagnostic.policyName,
        resource,
        diagnostic.message,
        analyzer_pb2.EnforcementLevel.Name(diagnostic.enforcementLevel),
    )


def _changed(properties: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = {**properties, **changes}
    return {key: value for key, value in changed.items() if value is not None}
