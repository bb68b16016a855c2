"""What is started every so many minutes, by whom, and after what."""

from typing import Any

import pytest
from pulumi.runtime.mocks import MockMonitor

from tests.infra.conftest import Deploy, Recorded

SCHEDULES = {
    "labels-submit-schedule": ("labels-submit-function", "lambda:InvokeFunction", 60),
    "labels-poll-schedule": ("labels-poll-state-machine", "states:StartExecution", 5),
    "labels-reconcile-schedule": ("labels-reconcile-function", "lambda:InvokeFunction", 60),
    "documents-sweep-schedule": ("documents-sweep-function", "lambda:InvokeFunction", 1440),
}


@pytest.mark.parametrize(
    ("name", "target", "action", "minutes"), [(name, *rest) for name, rest in SCHEDULES.items()]
)
def test_a_schedule_may_start_its_target_and_keep_what_it_could_not_start(
    recorded: Recorded, name: str, target: str, action: str, minutes: int
) -> None:
    [schedule] = [s for s in recorded.of("aws:scheduler/schedule:Schedule") if s.name == name]
    owner = "documents-sweep" if name == "documents-sweep-schedule" else "labels"
    started, letters = recorded.one(target).arn, recorded.one(f"{owner}-dead-letters").arn
    assert schedule.inputs == {
        "scheduleExpression": f"rate({minutes} minutes)",
        "flexibleTimeWindow": {"mode": "OFF"},
        "state": "ENABLED",
        "target": {
            "arn": started,
            "roleArn": recorded.one(f"{name}-role").arn,
            "input": "{}",
            "retryPolicy": {"maximumRetryAttempts": 10, "maximumEventAgeInSeconds": minutes * 60},
            "deadLetterConfig": {"arn": letters},
        },
    }
    role = recorded.one(f"{name}-role")
    [trusted] = role.document("assumeRolePolicy")["Statement"]
    assert trusted["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert recorded.grants(f"{name}-role") == {action: [started], "sqs:SendMessage": [letters]}


def test_schedules_have_the_configured_intervals(deploy: Deploy) -> None:
    recorded = deploy(
        config={
            "completionSubmitMinutes": "1",
            "completionPollMinutes": "2",
            "completionReconcileMinutes": "1440",
            "fileSweepHours": "2",
        }
    )
    found = {
        schedule.name: schedule.inputs["scheduleExpression"]
        for schedule in recorded.of("aws:scheduler/schedule:Schedule")
    }
    assert found == {
        "labels-submit-schedule": "rate(1 minute)",
        "labels-poll-schedule": "rate(2 minutes)",
        "labels-reconcile-schedule": "rate(1440 minutes)",
        "documents-sweep-schedule": "rate(120 minutes)",
    }


def test_the_labels_schedules_can_be_turned_off(deploy: Deploy) -> None:
    recorded = deploy(config={"completionSchedulesEnabled": "false"})
    schedules = recorded.of("aws:scheduler/schedule:Schedule")
    assert {schedule.name: schedule.inputs["state"] for schedule in schedules} == {
        "labels-submit-schedule": "DISABLED",
        "labels-poll-schedule": "DISABLED",
        "labels-reconcile-schedule": "DISABLED",
        "documents-sweep-schedule": "ENABLED",
    }


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """What each schedule, machine and failure destination is created after, once deployed."""
    found: dict[str, set[str]] = {}
    register: Any = MockMonitor.RegisterResource

    def registering(self: MockMonitor, request: Any) -> Any:
        if request.custom:
            found[request.name] = {urn.rpartition("::")[2] for urn in request.dependencies}
        return register(self, request)

    monkeypatch.setattr(MockMonitor, "RegisterResource", registering)
    return found


def grants_of(recorded: Recorded, role: str) -> set[str]:
    """The names of everything that is granted to a role."""
    physical = recorded.one(role).outputs["name"]
    policies = recorded.of("aws:iam/rolePolicy:RolePolicy")
    return {policy.name for policy in policies if policy.inputs["role"] == physical}


@pytest.mark.parametrize("name", SCHEDULES)
def test_nothing_is_started_before_everything_is_granted(
    deploy: Deploy, waits: dict[str, set[str]], name: str
) -> None:
    recorded = deploy()
    started = grants_of(recorded, f"{name.removesuffix('-schedule')}-role")
    assert len(started) > 4
    assert waits[name] >= started | grants_of(recorded, f"{name}-role")


def test_failures_have_somewhere_to_go_before_the_first_event(
    deploy: Deploy, waits: dict[str, set[str]]
) -> None:
    recorded = deploy()
    for function in ("labels-submit", "labels-reconcile", "documents-sweep"):
        assert f"{function}-failures" in waits[f"{function}-schedule"]
        assert waits[f"{function}-failures"] >= grants_of(recorded, f"{function}-role")


@pytest.mark.parametrize("name", ["labels-poll", "documents-vector-store-batch"])
def test_a_machine_is_created_when_it_may_deliver_its_logs_and_its_functions_may_work(
    deploy: Deploy, waits: dict[str, set[str]], name: str
) -> None:
    recorded = deploy()
    waited = waits[f"{name}-state-machine"]
    assert {f"{name}-delivers-logs", f"{name}-calls-its-functions"} <= waited
    called = {"labels-poll": "labels-collect", "documents-vector-store-batch": f"{name}-check"}
    assert waited >= grants_of(recorded, f"{called[name]}-role")
