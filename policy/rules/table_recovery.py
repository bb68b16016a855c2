"""A table can be restored to any second of the last weeks."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from rules.reading.rule import ResourceRule
from rules.reading.types import TABLE


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    if not (args.props.get("pointInTimeRecovery") or {}).get("enabled"):
        yield "Enable point_in_time_recovery."


RULE = ResourceRule(
    "table-recovery", "A table has point-in-time recovery.", _check, types=frozenset({TABLE})
)
