"""A run of everything: what each role may do, held against what was really called under it, no less
and no more; and each metric that is shown or watched, against what was really written."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.metrics import BY_MODEL, Metric
from local.calls_made import STATE_MACHINES, Call
from local.demo.labels.scenario import CONFIG
from local.embedded import EmbeddedAws
from local.engine import Resource
from local.stack import LOCAL_WEBHOOK_SECRET, running
from tests.local.emitted_metrics import named, written
from tests.local.full_run import do_everything

ROOT = Path(__file__).parents[2]

FUNCTION, MACHINE, SCHEDULE = (
    "aws:lambda/function:Function",
    "aws:sfn/stateMachine:StateMachine",
    "aws:scheduler/schedule:Schedule",
)
pytestmark = [
    pytest.mark.embedded,
    pytest.mark.timeout(600),
]

Pair = tuple[str, str]
"""An action and a resource, or a pattern of resources."""


@dataclass(frozen=True, kw_only=True)
class OfService:
    """What a service does itself under a role, so that nothing here calls it, and why."""

    why: str
    actions: Collection[str]
    resource: str
    """What the ARN has in it, as a regular expression."""

    def covers(self, pair: Pair) -> bool:
        """Whether that is what was granted."""
        return pair[0] in self.actions and re.search(self.resource, pair[1]) is not None


TRACING = OfService(
    why="Lambda and Step Functions trace what they run",
    actions=[
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ],
    resource=r"^\*$",
)
OF_SERVICES = {
    FUNCTION: [
        TRACING,
        OfService(
            why="Lambda keeps what the function writes",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resource=r":log-group:.+:\*$",
        ),
        OfService(
            why="the event-source mapping reads the queue and deletes what is done",
            actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            resource=r":sqs:.+-queue-",
        ),
        OfService(
            why="Lambda sends events that failed to the dead letters",
            actions=["sqs:SendMessage"],
            resource=r":sqs:.+-dead-letters-",
        ),
    ],
    MACHINE: [
        TRACING,
        OfService(
            why="Step Functions sets up where it delivers the machine's logs",
            actions=[
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
            ],
            resource=r"^\*$",
        ),
        OfService(
            why="a Distributed Map's items are executions of its machine; here, part of its own",
            actions=["states:StartExecution"],
            resource=r":stateMachine:",
        ),
        OfService(
            why="a Distributed Map watches these executions, and stops them when it is stopped",
            actions=["states:DescribeExecution", "states:StopExecution"],
            resource=r":execution:.+[:/]\*$",
        ),
    ],
    SCHEDULE: [
        OfService(
            why="EventBridge Scheduler sends what it could not start to the dead letters",
            actions=["sqs:SendMessage"],
            resource=r":sqs:.+-dead-letters-",
        ),
    ],
}


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role as it was deployed: whose it is, what it allows, and what was called under it."""

    kind: str
    name: str
    allowed: frozenset[Pair]
    called: frozenset[Pair]

    @property
    def missing(self) -> set[Pair]:
        """Calls that AWS would have refused."""
        return {
            call for call in self.called if not any(_covers(pair, call) for pair in self.allowed)
        }

    @property
    def unused(self) -> set[Pair]:
        """What nothing was done with."""
        return {
            pair for pair in self.allowed if not any(_covers(pair, call) for call in self.called)
        }


def _covers(pair: Pair, call: Pair) -> bool:
    """As IAM matches them: an asterisk is any text, and of a question mark nobody makes use."""
    pattern = ".*".join(map(re.escape, pair[1].split("*")))
    return pair[0] == call[0] and re.fullmatch(pattern, call[1]) is not None


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """The program, after everything that its functions can do has been done."""
    with running(config=CONFIG, webhook_secret=LOCAL_WEBHOOK_SECRET) as stack:
        do_everything(stack)
        yield stack.aws


@pytest.fixture(scope="module")
def roles(aws: EmbeddedAws) -> Sequence[Role]:
    """All roles of the program's. They come first, as what tests ask AWS is no role's call."""
    return list(_roles(aws))


def test_nobody_calls_what_their_role_does_not_allow(roles: Sequence[Role]) -> None:
    assert {role.name: role.missing for role in roles if role.missing} == {}


def test_no_role_allows_what_nobody_calls(roles: Sequence[Role]) -> None:
    assert {
        role.name: unused
        for role in roles
        if (unused := {pair for pair in role.unused if not _is_of_service(role, pair)})
    } == {}


@pytest.mark.parametrize("kind", OF_SERVICES)
def test_what_services_do_is_granted_to_some_role_and_called_under_none(
    roles: Sequence[Role], kind: str
) -> None:
    of_kind = [role for role in roles if role.kind == kind]
    granted = {pair for role in of_kind for pair in role.allowed}
    called = {call for role in of_kind for call in role.called}
    for service in OF_SERVICES[kind]:
        covered = {action for action, on in granted if service.covers((action, on))}
        assert covered == set(service.actions), service.why
        assert not any(service.covers(call) for call in called), service.why


def test_something_is_called_under_every_role(roles: Sequence[Role]) -> None:
    assert [role.name for role in roles if not role.called] == []
    assert {role.kind for role in roles} == set(OF_SERVICES)


_FINISHING = "tests/functions/completions/collection/test_finishing.py"
NEED_A_FAULT = {
    # Both default models have a price.
    Metric.ANSWERS_WITHOUT_PRICE: "tests/functions/test_observability_metrics.py",
    # No job ends otherwise than well.
    Metric.BATCHES_FAILED: _FINISHING,
    Metric.BATCHES_EXPIRED: _FINISHING,
    Metric.BATCHES_CANCELLED: _FINISHING,
    # OpenAI can always say how a file batch stands.
    Metric.CHECK_FAILURES: "tests/functions/vector_store_batch/test_check_handler.py",
    # Each label gets a verdict that nobody else has anticipated.
    Metric.LABELS_ASKED_AGAIN: _FINISHING,
    Metric.LABELS_NEED_REVIEW: _FINISHING,
    Metric.LABELS_SUPERSEDED: _FINISHING,
    # There is no budget, and room for all labels.
    Metric.BUDGET_STOPS: "tests/functions/completions/submission/test_submit_handlers.py",
    Metric.LABELS_WAITING: "tests/functions/completions/submission/test_submit_handlers.py",
    # Pinecone takes what it is given.
    Metric.PROJECTIONS_FAILED: (
        "tests/functions/completions/projection/test_projection_failures.py"
    ),
}
"""Metrics of what does not happen in the run, with the unit tests in which it does."""


def test_every_metric_that_is_shown_or_watched_is_written_by_the_function_that_it_names(
    roles: Sequence[Role], aws: EmbeddedAws
) -> None:
    ours = {series for series in named(aws) if not series.namespace.startswith("AWS/")}
    assert len(ours) > 30
    missing = {series.name for series in ours - written(aws).keys()}
    assert missing == {metric.value for metric in NEED_A_FAULT}


def test_what_the_run_does_not_write_a_unit_test_does() -> None:
    for metric, file in NEED_A_FAULT.items():
        assert f'"{metric}"' in (ROOT / file).read_text(), f"{file} does not show {metric}"


def test_every_metric_that_is_written_is_known_and_has_its_unit(
    roles: Sequence[Role], aws: EmbeddedAws
) -> None:
    for series, unit in written(aws).items():
        assert series.namespace == "openai-batch-flows/local"
        metric = Metric(series.name)
        assert unit == metric.unit
        by_model = {"model"} if metric in BY_MODEL else set()
        assert {name for name, _ in series.dimensions} == {"service"} | by_model


def test_every_metric_of_awss_own_is_of_a_resource_of_the_stack(
    roles: Sequence[Role], aws: EmbeddedAws
) -> None:
    there = {
        value
        for resource in aws.deployment.resources
        for value in (resource.outputs.get("name"), resource.outputs.get("arn"))
    }
    for series in named(aws):
        if series.namespace.startswith("AWS/"):
            [(_, value)] = series.dimensions
            assert value in there, series


def _is_of_service(role: Role, pair: Pair) -> bool:
    return any(service.covers(pair) for service in OF_SERVICES[role.kind])


def _roles(aws: EmbeddedAws) -> Iterator[Role]:
    """Each role with its user, of which it has one, and between them every call so far."""
    calls = {call for caller in aws.calls.callers for call in aws.calls.of(caller)}
    allowed = _allowed(aws)
    of_role = {role.outputs["arn"]: role for role in aws.deployment.of_type("aws:iam/role:Role")}
    for kind in OF_SERVICES:
        for found in aws.deployment.of_type(kind):
            role = of_role.pop(_role_arn(found))
            assert not {"inlinePolicies", "managedPolicyArns"} & role.inputs.keys()
            called = {call for call in calls if _is_of(found, call)}
            calls -= called
            yield Role(
                kind=kind,
                name=role.name,
                allowed=allowed[role.id],
                called=frozenset((call.action, call.resource) for call in called),
            )
    assert not of_role, "roles that nobody has"
    assert not calls, "calls under no role"


def _role_arn(user: Resource) -> str:
    if user.type == SCHEDULE:
        return str(user.inputs["target"]["roleArn"])
    return str(user.inputs["role" if user.type == FUNCTION else "roleArn"])


def _allowed(aws: EmbeddedAws) -> Mapping[str, frozenset[Pair]]:
    """What each role's policies allow, by the role's name in AWS."""
    allowed: dict[str, set[Pair]] = defaultdict(set)
    for policy in aws.deployment.of_type("aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            assert statement.keys() == {"Effect", "Action", "Resource"}
            assert statement["Effect"] == "Allow"
            allowed[policy.inputs["role"]] |= {
                (action, resource)
                for action in statement["Action"]
                for resource in statement["Resource"]
            }
    return {name: frozenset(pairs) for name, pairs in allowed.items()}


def _is_of(user: Resource, call: Call) -> bool:
    """Whose call it is. Of machines' calls, the machine's definition names the resource, but for
    objects, which it learns of as it runs.
    """
    if user.type != MACHINE:
        return bool(call.caller == user.outputs["name"])
    definition = str(user.inputs["definition"])
    names_it = (
        "ItemReader" in definition
        if call.action.startswith("s3:")
        else call.resource.rpartition(":")[2] in definition
    )
    return call.caller == STATE_MACHINES and names_it
