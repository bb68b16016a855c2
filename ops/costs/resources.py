"""What a stack is made of, as far as AWS takes money for its use: found by the stack's own tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.errors import OpsError
from ops.stack import Stack

# As infra/tags.py puts them on everything; the owner may change.
_TAGS = ("project", "stack")
_TYPES = ("lambda:function", "sqs", "dynamodb:table", "states:stateMachine", "logs")


@dataclass(frozen=True, kw_only=True)
class FunctionPart:
    """A function, its memory, and what it is told."""

    name: str
    arn: str
    megabytes: int
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TablePart:
    """A table and the names of its indexes."""

    name: str
    indexes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class MachinePart:
    """A state machine: its definition is JSON text."""

    arn: str
    definition: str


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What CloudWatch has metrics of."""

    functions: Sequence[FunctionPart]
    machines: Sequence[MachinePart]
    tables: Sequence[TablePart]
    queues: Sequence[str]
    log_groups: Sequence[str]


def resources(stack: Stack) -> Resources:
    """The stack's resources. OpsError if it has no tags to know them by."""
    arns = _tagged(stack)
    functions, machines, tables = map(stack.client, ("lambda", "stepfunctions", "dynamodb"))
    return Resources(
        functions=[_function(functions, arn) for arn in _of(arns, "lambda")],
        machines=[_machine(machines, arn) for arn in _of(arns, "states")],
        tables=[_table(tables, arn) for arn in _of(arns, "dynamodb")],
        queues=[arn.rsplit(":", 1)[1] for arn in _of(arns, "sqs")],
        log_groups=[
            arn.split(":log-group:")[1].removesuffix(":*")
            for arn in _of(arns, "logs")
            if ":log-group:" in arn
        ],
    )


def _tagged(stack: Stack) -> list[str]:
    machine = stack.outputs.completion_poll_flow_arn
    found = stack.client("stepfunctions").list_tags_for_resource(resourceArn=machine)["tags"]
    tags = {tag["key"]: tag["value"] for tag in found}
    if not tags.keys() >= set(_TAGS):
        raise OpsError(f"{machine} has not the tags {' and '.join(_TAGS)} of a stack's resources")
    pages = (
        stack.client("resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(
            TagFilters=[{"Key": name, "Values": [tags[name]]} for name in _TAGS],
            ResourceTypeFilters=list(_TYPES),
        )
    )
    return sorted(each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"])


def _of(arns: Sequence[str], service: str) -> list[str]:
    return [arn for arn in arns if arn.split(":")[2] == service]


def _function(functions: Any, arn: str) -> FunctionPart:
    found = functions.get_function_configuration(FunctionName=arn)
    return FunctionPart(
        name=found["FunctionName"],
        arn=arn,
        megabytes=found["MemorySize"],
        environment=found.get("Environment", {}).get("Variables", {}),
    )


def _machine(machines: Any, arn: str) -> MachinePart:
    return MachinePart(
        arn=arn, definition=machines.describe_state_machine(stateMachineArn=arn)["definition"]
    )


def _table(tables: Any, arn: str) -> TablePart:
    found = tables.describe_table(TableName=arn.rsplit("/", 1)[1])["Table"]
    indexes = found.get("GlobalSecondaryIndexes", [])
    return TablePart(name=found["TableName"], indexes=[each["IndexName"] for each in indexes])
