"""No document allows more than it names: no wildcard in an action, and none for all resources.

Documents are found by the properties that hold one, whatever the type of the resource. A statement
that denies may say ``*``: it grants nothing. Everybody may call a function through its URL, whose
concern it is then whom to believe, but not past it. In the policy of a key, ``*`` is that key:
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import EnforcementLevel, ResourceValidationArgs

from rules.reading.documents import allowing, listed
from rules.reading.rule import ResourceRule
from rules.reading.types import KEY, PERMISSION

DOCUMENTS = ("policy", "assumeRolePolicy")
# AWS has no narrower resource for these:
# https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
_ON_ALL_OR_NOT_AT_ALL = frozenset(
    {
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
# All queues, all tables, all functions. S3's resources have no kind: "bucket/*" is in one bucket.
_KINDS = "event-bus|execution|function|log-group|role|rule|schedule|secret|stateMachine|table"
_ALL_OF_A_KIND = re.compile(rf"^arn(:[^:]*){{4}}:(({_KINDS})[:/])?\*")


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    for key in ("managedPolicyArns", "inlinePolicies"):
        if args.props.get(key):
            yield f"Grant it by a RolePolicy: {key} is not looked into."
    for key in DOCUMENTS:
        document = args.props.get(key)
        if isinstance(document, str):
            for statement in allowing(document):
                yield from _too_wide(statement, is_of_key=args.resource_type == KEY)
    if args.resource_type == PERMISSION:
        yield from _too_open(args.props)


def _too_open(permission: Mapping[str, Any]) -> Iterator[str]:
    is_for_a_url = permission.get("functionUrlAuthType") or permission.get("invokedViaFunctionUrl")
    if permission.get("principal") == "*" and not is_for_a_url:
        yield f"Name who may do {permission.get('action')}."


def _too_wide(statement: Mapping[str, Any], *, is_of_key: bool) -> Iterator[str]:
    for key in ("NotAction", "NotResource", "NotPrincipal"):
        if key in statement:
            yield f"Name what is allowed: {key} allows all the rest."
    actions = listed(statement.get("Action", []))
    for action in actions:
        if "*" in action or "?" in action:
            yield f"Name the actions: {action} allows more than it names."
    for resource in listed(statement.get("Resource", [])):
        is_itself = resource == "*" and is_of_key
        if (
            _is_too_wide(resource)
            and not is_itself
            and not _ON_ALL_OR_NOT_AT_ALL.issuperset(actions)
        ):
            yield f"Name the resources of {', '.join(actions)}: {resource} is all of them."
    principal = statement.get("Principal", {})
    if principal == "*" or "*" in listed(dict(principal).get("AWS", [])):
        yield f"Name who may do {', '.join(actions)}."


def _is_too_wide(resource: str) -> bool:
    return resource == "*" or _ALL_OF_A_KIND.match(resource) is not None


RULE = ResourceRule(
    "wildcard-grants",
    "Nothing is granted by a wildcard.",
    _check,
    types=None,
    enforcement_level=EnforcementLevel.MANDATORY,
)
