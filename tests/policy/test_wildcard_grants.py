"""Nothing is granted by a wildcard, in whatever document it is."""

import json
from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from rules.reading.types import PERMISSION
from rules.wildcard_grants import RULE
from tests.policy.seen import Seen, complaints, seen, undecided

POLICY = "aws:iam/rolePolicy:RolePolicy"
ONE = "arn:aws:sqs:eu-central-1:1:work"
RIGHT: dict[str, dict[str, Any]] = {
    "names": {"Action": ["sqs:SendMessage"], "Resource": [ONE]},
    "tracing": {"Action": "xray:PutTraceSegments", "Resource": "*"},
    "streams of one group": {
        "Action": "logs:PutLogEvents",
        "Resource": "arn:aws:logs:eu-central-1:1:log-group:one:*",
    },
    "files of one bucket": {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::one/batches/*"},
    "executions of one machine": {
        "Action": "states:StopExecution",
        "Resource": "arn:aws:states:eu-central-1:1:execution:one:*",
    },
    "a service": {"Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    "a denial": {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": "*"},
}
WRONG: dict[str, dict[str, Any]] = {
    "every action": {"Action": "*", "Resource": ONE},
    "every action of a service": {"Action": ["sqs:SendMessage", "sqs:*"], "Resource": ONE},
    "actions by their beginning": {"Action": "sqs:Get*", "Resource": ONE},
    "actions but for a letter": {"Action": "sqs:SendMessag?", "Resource": ONE},
    "every resource": {"Action": "sqs:SendMessage", "Resource": "*"},
    "every resource, beside tracing": {
        "Action": ["xray:PutTraceSegments", "sqs:SendMessage"],
        "Resource": "*",
    },
    "every queue": {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-central-1:1:*"},
    "every table": {
        "Action": "dynamodb:GetItem",
        "Resource": [ONE, "arn:aws:dynamodb:eu-central-1:1:table/*"],
    },
    "every function": {
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:eu-central-1:1:function:*",
    },
    "every bucket": {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::*"},
    "everybody": {"Action": "sqs:SendMessage", "Resource": ONE, "Principal": "*"},
    "every account": {"Action": "sqs:SendMessage", "Resource": ONE, "Principal": {"AWS": ["*"]}},
    "all other actions": {"NotAction": "sqs:SendMessage", "Resource": ONE},
    "all other resources": {"Action": "sqs:SendMessage", "NotResource": ONE},
    "all others": {"Action": "sqs:SendMessage", "Resource": ONE, "NotPrincipal": {"AWS": "1"}},
}


def granting(*statements: dict[str, Any], token: str = POLICY, key: str = "policy") -> Seen:
    """A resource with a document."""
    allowed = [{"Effect": "Allow", **statement} for statement in statements]
    return seen(token, "grant", {key: json.dumps({"Statement": allowed})})


@pytest.mark.parametrize("statement", RIGHT.values(), ids=RIGHT)
def test_a_grant_that_names_what_it_allows_is_right(statement: dict[str, Any]) -> None:
    assert complaints(RULE, granting(statement)) == []


@pytest.mark.parametrize("statement", WRONG.values(), ids=WRONG)
def test_a_wider_grant_is_wrong(statement: dict[str, Any]) -> None:
    assert len(complaints(RULE, granting(RIGHT["names"], statement))) == 1


@pytest.mark.parametrize(
    ("token", "key"),
    [
        ("aws:sqs/queuePolicy:QueuePolicy", "policy"),
        ("aws:s3/bucketPolicy:BucketPolicy", "policy"),
        ("aws:iam/role:Role", "assumeRolePolicy"),
        ("aws:sns/topicPolicy:TopicPolicy", "policy"),
        ("aws:kms/key:Key", "policy"),
    ],
)
def test_every_document_is_looked_into(token: str, key: str) -> None:
    statement = WRONG["everybody"]
    assert len(complaints(RULE, granting(statement, token=token, key=key))) == 1


@pytest.mark.parametrize(
    ("inputs", "wrong"),
    [
        ({"principal": "*", "functionUrlAuthType": "NONE"}, False),
        ({"principal": "*", "invokedViaFunctionUrl": True}, False),
        ({"principal": "*", "invokedViaFunctionUrl": False}, True),
        ({"principal": "*"}, True),
        ({"principal": "events.amazonaws.com"}, False),
    ],
)
def test_everybody_may_call_a_function_through_its_url_alone(
    inputs: dict[str, Any], wrong: bool
) -> None:
    grant = seen(PERMISSION, "open", {"action": "lambda:InvokeFunction", **inputs})
    expected = [("open", "Name who may do lambda:InvokeFunction.")] if wrong else []
    assert complaints(RULE, grant) == expected


def test_in_the_policy_of_a_key_all_resources_are_the_key() -> None:
    on_itself = {"Action": "kms:Decrypt", "Resource": "*"}
    assert complaints(RULE, granting(on_itself, token="aws:kms/key:Key")) == []
    assert len(complaints(RULE, granting(on_itself))) == 1
    all_keys = {"Action": "kms:*", "Resource": "*"}
    assert len(complaints(RULE, granting(all_keys, token="aws:kms/key:Key"))) == 1


def test_one_statement_need_not_be_a_list() -> None:
    document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": ONE}}
    assert len(complaints(RULE, seen(POLICY, "grant", {"policy": json.dumps(document)}))) == 1


@pytest.mark.parametrize("key", ["managedPolicyArns", "inlinePolicies"])
def test_what_a_role_is_granted_elsewhere_is_wrong(key: str) -> None:
    role = seen(
        "aws:iam/role:Role", "worker", {key: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
    )
    [(_, message)] = complaints(RULE, role)
    assert key in message


def test_a_document_that_is_not_known_yet_is_left_open() -> None:
    grant = seen(POLICY, "grant", {"policy": UNKNOWN_STRING_VALUE})
    assert complaints(RULE, grant) == []
    assert undecided(RULE, grant)
