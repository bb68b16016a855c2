"""A state machine logs its errors, of which FATAL leaves out all that were caught."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from rules.reading.rule import ResourceRule, is_given
from rules.reading.types import MACHINE

_LEVELS = ("ERROR", "ALL")


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    logging = args.props.get("loggingConfiguration") or {}
    if logging.get("level") not in _LEVELS or not is_given(logging, "logDestination"):
        yield f"Give its logging_configuration a log_destination and a level of {_LEVELS[0]}."


RULE = ResourceRule(
    "machine-logging", "A state machine logs its errors.", _check, types=frozenset({MACHINE})
)
