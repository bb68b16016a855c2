"""A function is traced."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from rules.reading.rule import ResourceRule
from rules.reading.types import FUNCTION


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    if (args.props.get("tracingConfig") or {}).get("mode") != "Active":
        yield "Set the mode of tracing_config to Active."


RULE = ResourceRule(
    "function-tracing", "A function is traced.", _check, types=frozenset({FUNCTION})
)
