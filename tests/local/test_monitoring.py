"""What the program gives CloudWatch, SNS and KMS is what they have then."""

import json
from typing import Any

import pulumi

from local.aws import Aws
from local.engine import EmbeddedEngine

TAGS = {"owner": "platform", "stack": "local"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": []})
ALARM = {
    "alarmDescription": "Type this.",
    "comparisonOperator": "LessThanThreshold",
    "threshold": 1,
    "evaluationPeriods": 3,
    "datapointsToAlarm": 3,
    "treatMissingData": "breaching",
    "alarmActions": ["arn:aws:sns:eu-central-1:123456789012:alarms"],
    "tags": TAGS,
}


def create(aws: Aws, token: str, **inputs: Any) -> dict[str, Any]:
    args = pulumi.runtime.MockResourceArgs(token, "made", inputs, custom=True)
    return EmbeddedEngine(aws).new_resource(args)[1]


def kept(aws: Aws, made: dict[str, Any]) -> dict[str, Any]:
    """An alarm as CloudWatch describes it."""
    cloudwatch = aws.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[made["name"]])["MetricAlarms"]
    tags = cloudwatch.list_tags_for_resource(ResourceARN=made["arn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == TAGS
    assert alarm["AlarmArn"] == made["arn"]
    assert alarm["AlarmDescription"] == ALARM["alarmDescription"]
    assert alarm["AlarmActions"] == ALARM["alarmActions"]
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3, 3)
    assert (alarm["TreatMissingData"], alarm["Threshold"]) == ("breaching", 1)
    return dict(alarm)


def test_an_alarm_watches_one_metric(aws: Aws) -> None:
    made = create(
        aws,
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        **ALARM,
        namespace="AWS/Lambda",
        metricName="Invocations",
        dimensions={"FunctionName": "f"},
        statistic="Sum",
        period=300,
    )
    alarm = kept(aws, made)
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Invocations")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "f"}]
    assert (alarm["Statistic"], alarm["Period"]) == ("Sum", 300)


def test_an_alarm_watches_what_several_metrics_come_to(aws: Aws) -> None:
    metric = {
        "namespace": "AWS/States",
        "metricName": "ExecutionsFailed",
        "dimensions": {"StateMachineArn": "a"},
        "period": 900,
        "stat": "Sum",
    }
    queries = [
        {"id": "total", "expression": "SUM(METRICS())", "returnData": True},
        {"id": "m1", "metric": metric},
    ]
    made = create(aws, "aws:cloudwatch/metricAlarm:MetricAlarm", **ALARM, metricQueries=queries)

    total, one = kept(aws, made)["Metrics"]
    assert (total["Id"], total["Expression"], total["ReturnData"]) == (
        "total",
        "SUM(METRICS())",
        True,
    )
    assert (one["Id"], one["ReturnData"]) == ("m1", False)
    assert one["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/States",
            "MetricName": "ExecutionsFailed",
            "Dimensions": [{"Name": "StateMachineArn", "Value": "a"}],
        },
        "Period": 900,
        "Stat": "Sum",
    }


def test_a_dashboard_is_there_as_it_was_written(aws: Aws) -> None:
    body = json.dumps({"widgets": []})
    token = "aws:cloudwatch/dashboard:Dashboard"
    made = create(aws, token, dashboardName="all-of-it", dashboardBody=body)

    found = aws.client("cloudwatch").get_dashboard(DashboardName=made["dashboardName"])
    assert json.loads(found["DashboardBody"]) == {"widgets": []}


def test_a_topic_is_encrypted_takes_from_whom_it_may_and_tells_its_subscribers(aws: Aws) -> None:
    key = create(
        aws,
        "aws:kms/key:Key",
        description="of alarms",
        policy=DOCUMENT,
        enableKeyRotation=True,
        tags=TAGS,
    )
    topic = create(aws, "aws:sns/topic:Topic", kmsMasterKeyId=key["arn"], tags=TAGS)["arn"]
    create(aws, "aws:sns/topicPolicy:TopicPolicy", arn=topic, policy=DOCUMENT)
    subscription = "aws:sns/topicSubscription:TopicSubscription"
    create(aws, subscription, topic=topic, protocol="email", endpoint="a@b.example")

    kms, sns = aws.client("kms"), aws.client("sns")
    assert kms.get_key_rotation_status(KeyId=key["keyId"])["KeyRotationEnabled"] is True
    assert kms.get_key_policy(KeyId=key["keyId"], PolicyName="default")["Policy"] == DOCUMENT
    of_key = kms.list_resource_tags(KeyId=key["keyId"])["Tags"]
    assert {tag["TagKey"]: tag["TagValue"] for tag in of_key} == TAGS
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == key["arn"]
    assert json.loads(attributes["Policy"]) == json.loads(DOCUMENT)
    [told] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (told["Protocol"], told["Endpoint"]) == ("email", "a@b.example")
    of_topic = sns.list_tags_for_resource(ResourceArn=topic)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in of_topic} == TAGS
