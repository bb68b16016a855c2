"""Dashboards, alarms and the topics that they tell. moto keeps them, and that is all."""

from typing import Any

from local.aws import Aws
from local.resources.naming import Created, Inputs, given, physical_name, tag_list


def dashboard(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """A dashboard."""
    name = inputs["dashboardName"]
    aws.client("cloudwatch").put_dashboard(
        DashboardName=name, DashboardBody=inputs["dashboardBody"]
    )
    arn = f"arn:aws:cloudwatch::{aws.account}:dashboard/{name}"
    return Created(name, {"dashboardName": name, "dashboardArn": arn})


def alarm(aws: Aws, name: str, inputs: Inputs) -> Created:
    """An alarm on one metric, or on what several come to."""
    alarm_name = physical_name(name, inputs, 255)
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=alarm_name,
        ComparisonOperator=inputs["comparisonOperator"],
        EvaluationPeriods=inputs["evaluationPeriods"],
        Threshold=inputs["threshold"],
        **given(
            AlarmDescription=inputs.get("alarmDescription"),
            AlarmActions=inputs.get("alarmActions"),
            DatapointsToAlarm=inputs.get("datapointsToAlarm"),
            Dimensions=_dimensions(inputs),
            MetricName=inputs.get("metricName"),
            Metrics=_queries(inputs),
            Namespace=inputs.get("namespace"),
            Period=inputs.get("period"),
            Statistic=inputs.get("statistic"),
            Tags=tag_list(inputs),
            TreatMissingData=inputs.get("treatMissingData"),
        ),
    )
    arn = f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:{alarm_name}"
    return Created(alarm_name, {"name": alarm_name, "arn": arn})


def _dimensions(described: Inputs) -> list[dict[str, str]] | None:
    dimensions = described.get("dimensions")
    if not dimensions:
        return None
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _queries(inputs: Inputs) -> list[dict[str, Any]] | None:
    return [_query(query) for query in inputs.get("metricQueries") or ()] or None


def _query(query: Inputs) -> dict[str, Any]:
    metric = query.get("metric")
    stat = metric and {
        "Metric": given(
            Namespace=metric.get("namespace"),
            MetricName=metric["metricName"],
            Dimensions=_dimensions(metric),
        ),
        "Period": metric["period"],
        "Stat": metric["stat"],
    }
    return given(
        Id=query["id"],
        Expression=query.get("expression"),
        Label=query.get("label"),
        MetricStat=stat,
        ReturnData=query.get("returnData", False),
    )


def topic(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A topic."""
    topic_name = physical_name(name, inputs, 256)
    attributes = given(KmsMasterKeyId=inputs.get("kmsMasterKeyId"))
    arn = aws.client("sns").create_topic(
        Name=topic_name, Attributes=attributes, Tags=tag_list(inputs) or []
    )["TopicArn"]
    return Created(arn, {"name": topic_name, "arn": arn})


def topic_policy(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """Who may publish to a topic."""
    aws.client("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
    )
    return Created(inputs["arn"])


def topic_subscription(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """Somebody who is told; here, nobody is asked to confirm it."""
    arn = aws.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Created(arn, {"arn": arn})


def key(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """A key of KMS. Its policy is kept and, but for what moto enforces of it, nothing more."""
    kms = aws.client("kms")
    tags = [{f"Tag{name}": value for name, value in tag.items()} for tag in tag_list(inputs) or ()]
    made = kms.create_key(
        **given(
            Description=inputs.get("description"), Policy=inputs.get("policy"), Tags=tags or None
        )
    )["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=made["KeyId"])
    return Created(made["KeyId"], {"keyId": made["KeyId"], "arn": made["Arn"]})
