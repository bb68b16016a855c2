"""Who may do what: resources grant, roles receive, and each grant is named as a sentence."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class Everything:
    """All resources, for actions that AWS grants on all or not at all; ``why`` says how come."""

    why: str

    def __post_init__(self) -> None:
        if not self.why.strip():
            raise ValueError("whoever grants something on all resources has to say why")


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
    resources: Sequence[pulumi.Input[str]] | Everything,
    conditions: Mapping[str, Any] | None = None,
) -> aws.iam.RolePolicy:
    """Let ``role`` do ``actions`` on ``resources``; a preview reads the sentence as its name."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": (
            ["*"]
            if isinstance(resources, Everything)
            else pulumi.Output.all(*resources).apply(_narrow)
        ),
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
    """Let a role write X-Ray traces."""
    return grant(
        f"{name}-writes-traces",
        role,
        actions=[
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        resources=Everything(
            why="a trace is no resource: "
            "https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html"
        ),
    )


def grant_log_delivery(name: str, role: aws.iam.Role) -> aws.iam.RolePolicy:
    """Let a machine's role deliver its logs."""
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
        resources=Everything(
            why="a delivery is the account's, and no log group's: "
            "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy"
        ),
    )


def _narrow(resources: Sequence[str]) -> Sequence[str]:
    """The resources, none of which may be all of them."""
    if "*" in resources:
        raise ValueError("only Everything, with a reason, grants something on all resources")
    return resources
