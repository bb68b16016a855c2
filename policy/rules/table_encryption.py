"""A table is encrypted with a key of the account, whose use CloudTrail shows."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from rules.reading.rule import ResourceRule
from rules.reading.types import TABLE


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    if not (args.props.get("serverSideEncryption") or {}).get("enabled"):
        yield "Enable server_side_encryption."


RULE = ResourceRule("table-encryption", "A table is encrypted.", _check, types=frozenset({TABLE}))
