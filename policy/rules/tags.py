"""Every resource says whose it is, so that a bill and an alarm find their owner."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from rules.reading.rule import ResourceRule

# All others have to have tags, so a type that this list should name and does not is reported.
TAKES_NO_TAGS = frozenset(
    {
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        "aws:lambda/functionUrl:FunctionUrl",
        "aws:lambda/permission:Permission",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:scheduler/schedule:Schedule",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:sqs/queuePolicy:QueuePolicy",
    }
)


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type in TAKES_NO_TAGS:
        return
    tags = args.props.get("tags") or {}
    # urn:pulumi:STACK::PROJECT::TYPES::NAME
    stack, project = args.urn.removeprefix("urn:pulumi:").split("::")[:2]
    for name, value in (("project", project), ("stack", stack)):
        if tags.get(name) != value:
            yield f"Tag it with {name}={value}."
    if not tags.get("owner"):
        yield "Tag it with its owner."


RULE = ResourceRule(
    "tags", "A resource is tagged with project, stack and owner.", _check, types=None
)
