"""All rules of the pack, one a module, and how strictly a stack is held to them."""

from pulumi_policy import EnforcementLevel

from rules import (
    bucket_encryption,
    bucket_privacy,
    function_concurrency,
    function_failure_destination,
    function_secrets,
    function_tracing,
    log_retention,
    machine_logging,
    machine_timeout,
    queue_dead_letters,
    queue_encryption,
    queue_visibility,
    table_encryption,
    table_recovery,
    tags,
    wildcard_grants,
)
from rules.reading.rule import ResourceRule, StackRule

__all__ = ["RULES", "default_level"]

RULES: tuple[ResourceRule | StackRule, ...] = (
    bucket_encryption.RULE,
    bucket_privacy.RULE,
    function_concurrency.RULE,
    function_failure_destination.RULE,
    function_secrets.RULE,
    function_tracing.RULE,
    log_retention.RULE,
    machine_logging.RULE,
    machine_timeout.RULE,
    queue_dead_letters.RULE,
    queue_encryption.RULE,
    queue_visibility.RULE,
    table_encryption.RULE,
    table_recovery.RULE,
    tags.RULE,
    wildcard_grants.RULE,
)
_PRODUCTION = "prod"


def default_level(stack: str | None) -> EnforcementLevel:
    """How strict the rules are that are not mandatory everywhere: mandatory in production."""
    return EnforcementLevel.MANDATORY if stack == _PRODUCTION else EnforcementLevel.ADVISORY
