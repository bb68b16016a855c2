"""An execution ends: by itself, it may take a year."""

import json
from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from rules.reading.rule import ResourceRule
from rules.reading.types import MACHINE


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    if not json.loads(args.props["definition"]).get("TimeoutSeconds"):
        yield "Give its definition TimeoutSeconds."


RULE = ResourceRule(
    "machine-timeout", "A state machine has a timeout.", _check, types=frozenset({MACHINE})
)
