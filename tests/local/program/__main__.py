"""One of each resource that the embedded AWS runs: two queues, functions, a machine and a rule."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
region = aws.get_region().region


class Pair(pulumi.ComponentResource):
    """A queue with its dead-letter queue."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Pair", name)
        child = pulumi.ResourceOptions(parent=self)
        self.dead = aws.sqs.Queue(f"{name}-dead", opts=child)
        self.queue = aws.sqs.Queue(
            f"{name}-queue",
            visibility_timeout_seconds=config.require_int("visibilitySeconds"),
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self.dead.arn, "maxReceiveCount": 2}
            ),
            opts=child,
        )
        self.register_outputs({"queue": self.queue.url})


def policy(*statements: dict[str, Any]) -> pulumi.Output[str]:
    """A policy document."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def function(name: str, handler: str, **variables: pulumi.Input[str]) -> aws.lambda_.Function:
    """A function of the test code."""
    return aws.lambda_.Function(
        name,
        role=role.arn,
        code=pulumi.FileArchive(config.require("code")),
        handler=f"handlers.{handler}",
        runtime="python3.13",
        architectures=["arm64"],
        timeout=1,
        memory_size=256,
        ephemeral_storage={"size": 1024},
        environment={"variables": variables} if variables else None,
        logging_config={"log_format": "Text", "log_group": logs.name},
        tracing_config={"mode": "Active"},
    )


work, notices = Pair("work"), Pair("notices")
logs = aws.cloudwatch.LogGroup("functions", retention_in_days=7)
role = aws.iam.Role(
    "worker", assume_role_policy=policy({"Effect": "Allow", "Action": "sts:AssumeRole"})
)
aws.iam.RolePolicy(
    "worker-reads-work",
    role=role.id,
    policy=policy({"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": work.queue.arn}),
)
secret = aws.secretsmanager.Secret("key")
version = aws.secretsmanager.SecretVersion(
    "key-value", secret_id=secret.id, secret_string=config.require_secret("apiKey")
)
consume = function("consume", "consume", CONSUMED=config.require("consumed"))
aws.lambda_.FunctionEventInvokeConfig(
    "consume-once", function_name=consume.name, maximum_retry_attempts=0
)
consume_url = aws.lambda_.FunctionUrl(
    "consume-url", function_name=consume.name, authorization_type="NONE"
)
pending = function("pending", "pending_until")
echo = function("echo", "echo", KEY_ARN=version.secret_arn)
slow = function("slow", "sleeps")
answering = function("answering", "answers")
answering_url = aws.lambda_.FunctionUrl(
    "answering-url", function_name=answering.name, authorization_type="NONE"
)
aws.lambda_.Permission(
    "answering-url-is-open",
    function=answering.name,
    action="lambda:InvokeFunctionUrl",
    principal="*",
    function_url_auth_type="NONE",
)
aws.lambda_.Permission(
    "answering-is-invoked",
    function=answering.name,
    action="lambda:InvokeFunction",
    principal="*",
    invoked_via_function_url=True,
)
aws.lambda_.EventSourceMapping(
    "consume-work",
    event_source_arn=work.queue.arn,
    function_name=consume.arn,
    batch_size=10,
    function_response_types=["ReportBatchItemFailures"],
    scaling_config={"maximum_concurrency": 2},
)
table = aws.dynamodb.Table(
    "entries",
    attributes=[{"name": name, "type": "S"} for name in ("PK", "SK", "GSI1PK", "GSI2PK")],
    hash_key="PK",
    range_key="SK",
    billing_mode="PAY_PER_REQUEST",
    point_in_time_recovery={"enabled": True},
    ttl={"attribute_name": "expires", "enabled": True},
    global_secondary_indexes=[
        {"name": "GSI1", "hash_key": "GSI1PK", "range_key": "SK", "projection_type": "ALL"},
        {
            "name": "GSI2",
            "key_schemas": [
                {"attribute_name": "GSI2PK", "key_type": "HASH"},
                {"attribute_name": "SK", "key_type": "RANGE"},
            ],
            "projection_type": "ALL",
        },
    ],
)
bucket = aws.s3.Bucket("Results")
aws.s3.BucketPublicAccessBlock("results-closed", bucket=bucket.id, block_public_acls=True)
send = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage"}
machine = aws.sfn.StateMachine(
    "poll",
    role_arn=role.arn,
    definition=pulumi.Output.json_dumps(
        {
            "StartAt": "Check",
            "TimeoutSeconds": 20,
            "States": {
                "Check": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke",
                    "Parameters": {"FunctionName": pending.arn, "Payload.$": "$"},
                    "OutputPath": "$.Payload",
                    "Retry": [
                        {
                            "ErrorEquals": ["BatchPending"],
                            "IntervalSeconds": 1,
                            "MaxAttempts": 2,
                            "BackoffRate": 1,
                        }
                    ],
                    "Catch": [
                        {
                            "ErrorEquals": ["BatchPending"],
                            "ResultPath": "$.error",
                            "Next": "TooLong",
                        }
                    ],
                    "Next": "Notify",
                },
                "Notify": {
                    **send,
                    "Parameters": {"QueueUrl": notices.queue.url, "MessageBody.$": "$"},
                    "End": True,
                },
                "TooLong": {
                    **send,
                    "Parameters": {"QueueUrl": notices.queue.url, "MessageBody.$": "$"},
                    "Next": "GaveUp",
                },
                "GaveUp": {"Type": "Fail", "Error": "PollTimeout", "Cause": "still pending"},
            },
        }
    ),
    logging_configuration={
        "level": "ERROR",
        "include_execution_data": False,
        "log_destination": pulumi.Output.concat(logs.arn, ":*"),
    },
)
rule = aws.cloudwatch.EventRule(
    "failed",
    event_pattern=pulumi.Output.json_dumps(
        {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {
                "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                "stateMachineArn": [machine.arn],
            },
        }
    ),
)
aws.sqs.QueuePolicy(
    "events-reach-dead", queue_url=notices.dead.url, policy=policy({"Effect": "Allow"})
)
aws.sqs.RedriveAllowPolicy(
    "dead-of-notices",
    queue_url=notices.dead.url,
    redrive_allow_policy=pulumi.Output.json_dumps(
        {"redrivePermission": "byQueue", "sourceQueueArns": [notices.queue.arn]}
    ),
)
aws.cloudwatch.EventTarget("failed-to-dead", rule=rule.name, arn=notices.dead.arn)
ticks = config.require("ticks")
for name, target, state in (
    ("sweep", machine.arn, "ENABLED"),
    ("tick", pending.arn, "ENABLED"),
    ("rest", pending.arn, "DISABLED"),
):
    aws.scheduler.Schedule(
        name,
        schedule_expression="rate(5 minutes)",
        flexible_time_window={"mode": "OFF"},
        state=state,
        target={
            "arn": target,
            "role_arn": role.arn,
            "input": json.dumps({"file": f"{ticks}.{name}", "pending": 0}),
            "retry_policy": {"maximum_event_age_in_seconds": 300, "maximum_retry_attempts": 2},
            "dead_letter_config": {"arn": work.dead.arn},
        },
    )
key = aws.kms.Key("alarms", policy=policy({"Effect": "Allow"}))
topic = aws.sns.Topic("alarms", kms_master_key_id=key.arn)
aws.sns.TopicPolicy("alarms", arn=topic.arn, policy=policy({"Effect": "Allow"}))
aws.sns.TopicSubscription(
    "alarms", topic=topic.arn, protocol="email", endpoint="nights@example.com"
)
aws.cloudwatch.MetricAlarm(
    "dead-letters",
    namespace="AWS/SQS",
    metric_name="ApproximateNumberOfMessagesVisible",
    dimensions={"QueueName": work.dead.name},
    statistic="Maximum",
    period=300,
    evaluation_periods=1,
    comparison_operator="GreaterThanOrEqualToThreshold",
    threshold=1,
    alarm_actions=[topic.arn],
)
aws.cloudwatch.Dashboard(
    "queues", dashboard_name="queues", dashboard_body=json.dumps({"widgets": []})
)

pulumi.export("workQueueUrl", work.queue.url)
pulumi.export("workDeadUrl", work.dead.url)
pulumi.export("noticesQueueUrl", notices.queue.url)
pulumi.export("noticesDeadUrl", notices.dead.url)
pulumi.export("machineArn", machine.arn)
pulumi.export("table", table.name)
pulumi.export("bucket", bucket.bucket)
pulumi.export("secretArn", version.secret_arn)
pulumi.export("consume", consume.name)
pulumi.export("echo", echo.name)
pulumi.export("slow", slow.name)
pulumi.export("answeringUrl", answering_url.function_url)
pulumi.export("closedUrl", consume_url.function_url)
pulumi.export("logGroup", logs.name)
pulumi.export("topic", topic.arn)
pulumi.export("nested", {"region": region, "keys": [secret.id]})
