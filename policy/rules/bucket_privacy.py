"""Nothing can make a bucket public."""

from collections.abc import Iterator

from pulumi_policy import PolicyResource

from rules.reading.rule import StackRule
from rules.reading.stack import Stack
from rules.reading.types import BUCKET, PUBLIC_ACCESS_BLOCK

_WAYS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _check(stack: Stack, bucket: PolicyResource) -> Iterator[str]:
    blocks = stack.referring(PUBLIC_ACCESS_BLOCK, "bucket", bucket)
    if not any(all(block.props.get(way) for way in _WAYS) for block in blocks):
        yield "Give it a BucketPublicAccessBlock that blocks all four ways."


RULE = StackRule("bucket-privacy", "A bucket is private.", _check, types=frozenset({BUCKET}))
