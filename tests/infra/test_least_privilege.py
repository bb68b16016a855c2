"""Every policy of the real program, for each stack: linted, and as narrow as AWS lets it be."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra import bundle
from local.program import run_program
from tests.infra.conftest import ROOT, Recorded
from tests.infra.iam_linter import findings

STACKS = ("dev", "prod", "local")
CONFIG = {"pineconeIndexHost": "words.example.com"}
SECRETS = {
    "openaiApiKey": "sk-test",
    "pineconeApiKey": "pc-test",
    "webhookSecret": "whsec_dGVzdC10ZXN0LXRlc3QtdGVzdA==",
}
_ROLE, _KEY = "aws:iam/role:Role", "aws:kms/key:Key"
_HERE = "eu-central-1:123456789012"
# How AWS names what policies are about.
_ARNS = {
    "aws:cloudwatch/eventRule:EventRule": f"arn:aws:events:{_HERE}:rule/",
    "aws:cloudwatch/logGroup:LogGroup": f"arn:aws:logs:{_HERE}:log-group:",
    "aws:dynamodb/table:Table": f"arn:aws:dynamodb:{_HERE}:table/",
    "aws:lambda/function:Function": f"arn:aws:lambda:{_HERE}:function:",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::",
    "aws:secretsmanager/secret:Secret": f"arn:aws:secretsmanager:{_HERE}:secret:",
    "aws:sfn/stateMachine:StateMachine": f"arn:aws:states:{_HERE}:stateMachine:",
    "aws:sns/topic:Topic": f"arn:aws:sns:{_HERE}:",
    "aws:sqs/queue:Queue": f"arn:aws:sqs:{_HERE}:",
    _KEY: f"arn:aws:kms:{_HERE}:key/",
    _ROLE: "arn:aws:iam::123456789012:role/",
}
# Where the linter is wrong: the resource with the policy, its word, a part of the detail, and why.
MISTAKES = {
    ("labels-poll-watches-its-children", "RESOURCE_MISMATCH", "'states:DescribeExecution'"): (
        "an execution is Standard or Express; the linter wants an ARN of each"
    ),
}


class Registered(Recorded):
    """A recording engine with ARNs that a linter takes for what they are."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identity, outputs = super().new_resource(args)
        if args.typ in _ARNS:
            former, outputs["arn"] = outputs["arn"], _ARNS[args.typ] + outputs["name"]
            identity = outputs["arn"] if identity == former else identity
        return identity, outputs


@dataclass(frozen=True)
class Policy:
    """A policy document, with the logical name of the resource that it was registered with."""

    owner: str
    document: Mapping[str, Any]

    @property
    def allowing(self) -> list[Mapping[str, Any]]:
        """The statements that allow something."""
        return [each for each in self.document["Statement"] if each["Effect"] == "Allow"]

    @property
    def problems(self) -> set[tuple[str, str, str]]:
        """What the linter finds."""
        return {(self.owner, *found) for found in findings(json.dumps(self.document))}


@pytest.fixture(scope="module", params=STACKS)
def policies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every policy document that the program registers for a stack, wherever it stands."""
    archive = tmp_path_factory.mktemp("bundle") / "functions.zip"
    archive.write_bytes(b"")
    registered = Registered()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "build", lambda _target: archive)
        run_program(registered, program=ROOT, stack=request.param, config=CONFIG, secrets=SECRETS)
    return [
        Policy(resource.name, _whole(document, resource.type, resource.arn))
        for resource in registered.resources
        for document in _documents(resource.inputs)
    ]


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _documents(part)
    elif isinstance(value, str) and '"Statement"' in value:
        yield json.loads(value)


def _whole(document: dict[str, Any], token: str, arn: str) -> dict[str, Any]:
    """A role's trust policy is about the role itself, and so names no resource; a linter wants it.

    In the policy of a key, all resources are the key. An action or a resource alone may stand
    without a list.
    """
    about = {"Resource": arn} if token in (_ROLE, _KEY) else {}
    statements = [
        {**about, **statement, **(about if statement.get("Resource") == "*" else {})}
        for statement in document["Statement"]
    ]
    return {
        **document,
        "Statement": [
            {**each, **{key: _listed(each[key]) for key in ("Action", "Resource")}}
            for each in statements
        ],
    }


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_linter_finds_nothing_but_its_own_mistakes(policies: Sequence[Policy]) -> None:
    problems = {problem for policy in policies for problem in policy.problems}
    mistakes = {
        problem: mistake
        for problem in problems
        for mistake in MISTAKES
        if problem[:2] == mistake[:2] and mistake[2] in problem[2]
    }
    assert problems - mistakes.keys() == set()
    assert set(mistakes.values()) == MISTAKES.keys()


def test_every_kind_of_policy_is_there_to_be_linted(policies: Sequence[Policy]) -> None:
    owners = {policy.owner for policy in policies}
    assert {
        "documents-ingest-role",
        "documents-ingest-keeps-the-ledger",
        "webhook-starts-the-poll-flow",
        "documents-vector-store-batch-failures-policy",
        "labels-batches-takes-tls-alone",
        "monitoring-alarms-key",
        "monitoring-alarms-takes-alarms-alone",
    } <= owners
    assert len(owners) == len(policies) > 60


def test_no_action_is_allowed_by_a_pattern(policies: Sequence[Policy]) -> None:
    actions = {(p.owner, a) for p in policies for each in p.allowing for a in each["Action"]}
    assert [found for found in actions if "*" in found[1] or "?" in found[1]] == []


def test_everything_is_allowed_for_traces_and_deliveries_of_logs_alone(
    policies: Sequence[Policy],
) -> None:
    on_everything = {
        policy.owner for policy in policies for each in policy.allowing if "*" in each["Resource"]
    }
    assert {
        owner for owner in on_everything if not owner.endswith(("-writes-traces", "-delivers-logs"))
    } == set()
    assert "labels-poll-delivers-logs" in on_everything


def linted(action: str, resource: str) -> set[str]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {issue for issue, _ in findings(json.dumps(document))}


@pytest.mark.parametrize(
    ("action", "resource", "issues"),
    [
        ("dynamodb:GetItem", f"arn:aws:dynamodb:{_HERE}:table/t", set()),
        ("dynamodb:GetItm", f"arn:aws:dynamodb:{_HERE}:table/t", {"UNKNOWN_ACTION"}),
        ("dynamo:GetItem", f"arn:aws:dynamodb:{_HERE}:table/t", {"UNKNOWN_PREFIX"}),
        ("dynamodb:GetItem", f"arn:aws:sqs:{_HERE}:t", {"RESOURCE_MISMATCH"}),
        ("s3:GetObject", "arn:aws:s3:::bucket", {"RESOURCE_MISMATCH"}),
        ("dynamodb:GetItem", "table/t", {"INVALID_ARN"}),
        ("dynamodb:GetItem", "*", {"RESOURCE_STAR"}),
        ("xray:PutTraceSegments", "*", set()),
    ],
)
def test_the_linter_knows_actions_and_what_they_are_on(
    action: str, resource: str, issues: set[str]
) -> None:
    assert linted(action, resource) == issues


@pytest.fixture
def granting(tmp_path: Path) -> Callable[[str], Recorded]:
    """Run a program of one grant, on what the Python expression says."""

    def run(resources: str) -> Recorded:
        (tmp_path / "Pulumi.yaml").write_text("name: granting\nruntime: python\n")
        (tmp_path / "__main__.py").write_text(
            "import pulumi\nimport pulumi_aws as aws\n"
            "from infra.grants import Everything, assumable_by, grant\n"
            "role = aws.iam.Role('role', assume_role_policy=assumable_by('lambda'))\n"
            "actions = ['xray:PutTraceSegments']\n"
            f"grant('role-traces', role, actions=actions, resources={resources})\n"
        )
        registered = Registered()
        run_program(registered, program=tmp_path, stack="dev", config={}, secrets={})
        return registered

    return run


def test_everything_is_granted_to_whoever_says_why(granting: Callable[[str], Recorded]) -> None:
    registered = granting("Everything(why='a trace is no resource')")
    [statement] = registered.one("role-traces").document()["Statement"]
    assert statement["Resource"] == ["*"]


@pytest.mark.parametrize(
    "resources",
    ["['*']", "[role.arn, '*']", "[pulumi.Output.from_input('*')]", "Everything(why=' ')"],
)
def test_everything_is_not_granted_without_a_reason(
    granting: Callable[[str], Recorded], resources: str
) -> None:
    with pytest.raises(ValueError, match=r"on all resources"):
        granting(resources)
