"""A queue is encrypted, and says so itself."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from rules.reading.rule import ResourceRule, is_given
from rules.reading.types import QUEUE


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    keys = ("sqsManagedSseEnabled", "kmsMasterKeyId")
    if not any(is_given(args.props, key) for key in keys):
        yield "Set sqs_managed_sse_enabled or kms_master_key_id."


RULE = ResourceRule("queue-encryption", "A queue is encrypted.", _check, types=frozenset({QUEUE}))
