"""How each resource of the program is created in moto, by its Pulumi type token.

A creator takes the AWS, the logical name and the inputs as pulumi-aws names them
(https://www.pulumi.com/registry/packages/aws/), and returns the id and what AWS adds.
"""

from collections.abc import Mapping

from local.resources import buckets, compute, function_urls, messaging, monitoring, storage
from local.resources.naming import Created, Creator, ResourceError

__all__ = ["CREATORS", "Created", "ResourceError", "creator"]

CREATORS: Mapping[str, Creator] = {
    "aws:cloudwatch/dashboard:Dashboard": monitoring.dashboard,
    "aws:cloudwatch/eventRule:EventRule": messaging.event_rule,
    "aws:cloudwatch/eventTarget:EventTarget": messaging.event_target,
    "aws:cloudwatch/logGroup:LogGroup": storage.log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": monitoring.alarm,
    "aws:dynamodb/table:Table": storage.table,
    "aws:iam/role:Role": compute.role,
    "aws:iam/rolePolicy:RolePolicy": compute.role_policy,
    "aws:kms/key:Key": monitoring.key,
    "aws:lambda/eventSourceMapping:EventSourceMapping": compute.event_source_mapping,
    "aws:lambda/function:Function": compute.function,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        compute.function_event_invoke_config
    ),
    "aws:lambda/functionUrl:FunctionUrl": function_urls.function_url,
    "aws:lambda/permission:Permission": function_urls.permission,
    "aws:s3/bucket:Bucket": buckets.bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": buckets.lifecycle,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": buckets.ownership_controls,
    "aws:s3/bucketPolicy:BucketPolicy": buckets.policy,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": buckets.public_access_block,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        buckets.encryption
    ),
    "aws:s3/bucketVersioning:BucketVersioning": buckets.versioning,
    "aws:scheduler/schedule:Schedule": messaging.schedule,
    "aws:secretsmanager/secret:Secret": storage.secret,
    "aws:secretsmanager/secretVersion:SecretVersion": storage.secret_version,
    "aws:sfn/stateMachine:StateMachine": compute.state_machine,
    "aws:sns/topic:Topic": monitoring.topic,
    "aws:sns/topicPolicy:TopicPolicy": monitoring.topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": monitoring.topic_subscription,
    "aws:sqs/queue:Queue": messaging.queue,
    "aws:sqs/queuePolicy:QueuePolicy": messaging.queue_policy,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": messaging.redrive_allow_policy,
}


def creator(token: str) -> Creator:
    """The creator of a type; ResourceError says where to add one."""
    if token not in CREATORS:
        raise ResourceError(
            f"{token} cannot be created in the embedded AWS: write a creator for it in "
            "local/resources/ and add it to CREATORS there"
        )
    return CREATORS[token]
