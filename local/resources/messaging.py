"""Queues, rules and schedules."""

from typing import Any

from local.aws import Aws
from local.resources.naming import (
    Created,
    Inputs,
    ResourceError,
    capitalised,
    given,
    physical_name,
    tag_list,
)
from local.schedules import Schedule

_QUEUE_ATTRIBUTES = {
    "delaySeconds": "DelaySeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_DELIVERED_TO = frozenset({"events", "logs", "sqs"})


def queue(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A standard queue."""
    if inputs.get("fifoQueue"):
        raise ResourceError("FIFO queues are not embedded: add them to local/event_sources.py")
    queue_name = physical_name(name, inputs, 80)
    attributes = {
        attribute: _attribute_text(inputs[key])
        for key, attribute in _QUEUE_ATTRIBUTES.items()
        if inputs.get(key) is not None
    }
    sqs = aws.client("sqs")
    url = sqs.create_queue(
        QueueName=queue_name, Attributes=attributes, tags=inputs.get("tags") or {}
    )["QueueUrl"]
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{queue_name}"
    return Created(url, {"name": queue_name, "url": url, "arn": arn})


def queue_policy(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """The policy of a queue."""
    return _set_queue_attribute(aws, inputs["queueUrl"], "Policy", inputs["policy"])


def redrive_allow_policy(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """Which queues may use this one as their dead-letter queue."""
    return _set_queue_attribute(
        aws, inputs["queueUrl"], "RedriveAllowPolicy", inputs["redriveAllowPolicy"]
    )


def _set_queue_attribute(aws: Aws, url: str, attribute: str, value: Any) -> Created:
    sqs = aws.client("sqs")
    # moto forgets a queue's policy whenever another attribute is set without it.
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    attributes = {**before.get("Attributes", {}), attribute: _attribute_text(value)}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return Created(url)


def _attribute_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def event_rule(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A rule of EventBridge."""
    rule_name = physical_name(name, inputs, 64)
    arn = aws.client("events").put_rule(
        Name=rule_name,
        **given(
            EventPattern=inputs.get("eventPattern"),
            ScheduleExpression=inputs.get("scheduleExpression"),
            Description=inputs.get("description"),
            EventBusName=inputs.get("eventBusName"),
            RoleArn=inputs.get("roleArn"),
            State=inputs.get("state"),
            Tags=tag_list(inputs),
        ),
    )["RuleArn"]
    return Created(rule_name, {"name": rule_name, "arn": arn})


def event_target(aws: Aws, name: str, inputs: Inputs) -> Created:
    """Where a rule sends its events, as far as moto delivers them."""
    service = inputs["arn"].split(":")[2]
    if service not in _DELIVERED_TO:
        raise ResourceError(
            f"moto's EventBridge delivers to {', '.join(sorted(_DELIVERED_TO))}, not {service}: "
            "deliver it in local/events.py, and allow it in local/resources/messaging.py"
        )
    target_id = inputs.get("targetId") or physical_name(name, {}, 64)
    target = given(
        Id=target_id,
        Arn=inputs["arn"],
        Input=inputs.get("input"),
        InputPath=inputs.get("inputPath"),
        InputTransformer=_input_transformer(inputs.get("inputTransformer")),
        RoleArn=inputs.get("roleArn"),
        DeadLetterConfig=capitalised(inputs.get("deadLetterConfig")),
        RetryPolicy=capitalised(inputs.get("retryPolicy")),
    )
    answer = aws.client("events").put_targets(
        Rule=inputs["rule"], Targets=[target], **given(EventBusName=inputs.get("eventBusName"))
    )
    if answer["FailedEntryCount"]:
        raise ResourceError(f"the target of {inputs['rule']} was refused: {answer}")
    return Created(f"{inputs['rule']}-{target_id}", {"targetId": target_id})


def _input_transformer(transformer: Any) -> dict[str, Any] | None:
    if transformer is None:
        return None
    return given(
        InputTemplate=transformer["inputTemplate"], InputPathsMap=transformer.get("inputPaths")
    )


def schedule(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A schedule of EventBridge Scheduler. moto keeps it: local/schedules.py runs it."""
    try:
        Schedule.from_inputs(name, inputs)
    except ValueError as error:
        raise ResourceError(str(error)) from error
    schedule_name = physical_name(name, inputs, 64)
    group = inputs.get("groupName") or "default"
    arn = aws.client("scheduler").create_schedule(
        Name=schedule_name,
        GroupName=group,
        ScheduleExpression=inputs["scheduleExpression"],
        FlexibleTimeWindow=capitalised(inputs["flexibleTimeWindow"]),
        Target=capitalised(inputs["target"]),
        **given(
            Description=inputs.get("description"),
            ScheduleExpressionTimezone=inputs.get("scheduleExpressionTimezone"),
            State=inputs.get("state"),
        ),
    )["ScheduleArn"]
    return Created(f"{group}/{schedule_name}", {"name": schedule_name, "arn": arn})
