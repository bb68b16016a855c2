"""Who may do what: resources grant, roles receive, and each grant is named as a sentence."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws


def assumable_by(service: str) -> str:
    """The trust policy of a role that an AWS service takes on, such as ``lambda``."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def grant(
    sentence: str,
    role: aws.iam.Role,
    *,
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    conditions: Mapping[str, Any] | None = None,
) -> aws.iam.RolePolicy:
    """Let ``role`` do ``actions`` on ``resources``; a preview reads the sentence as its name."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    if conditions:
        statement["Condition"] = conditions
    return aws.iam.RolePolicy(
        sentence,
        role=role.id,
        policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]}),
        opts=pulumi.ResourceOptions(parent=role),
    )


def grant_tracing(name: str, role: aws.iam.Role) -> aws.iam.RolePolicy:
    """Let a role write X-Ray traces, which have no narrower resource than all.

    https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
    """
    return grant(
        f"{name}-writes-traces",
        role,
        actions=[
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        resources=["*"],
    )


def grant_log_delivery(name: str, role: aws.iam.Role) -> aws.iam.RolePolicy:
    """Let a machine's role deliver its logs, which is granted on all or not at all.

    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
    """
    return grant(
        f"{name}-delivers-logs",
        role,
        actions=[
            "logs:CreateLogDelivery",
            "logs:GetLogDelivery",
            "logs:UpdateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups",
        ],
        resources=["*"],
    )
