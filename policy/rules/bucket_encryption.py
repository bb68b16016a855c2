"""A bucket encrypts what it is given."""

from collections.abc import Iterator

from pulumi_policy import PolicyResource

from rules.reading.rule import StackRule
from rules.reading.stack import Stack
from rules.reading.types import BUCKET, BUCKET_ENCRYPTION


def _check(stack: Stack, bucket: PolicyResource) -> Iterator[str]:
    configurations = stack.referring(BUCKET_ENCRYPTION, "bucket", bucket)
    if not any(map(_encrypts, configurations)):
        yield "Give it a BucketServerSideEncryptionConfiguration with an sse_algorithm."


def _encrypts(configuration: PolicyResource) -> bool:
    defaults = [
        rule.get("applyServerSideEncryptionByDefault") or {}
        for rule in configuration.props.get("rules") or ()
    ]
    return any(default.get("sseAlgorithm") for default in defaults)


RULE = StackRule("bucket-encryption", "A bucket is encrypted.", _check, types=frozenset({BUCKET}))
