"""The webhook's resources: who may call it, what it may do, and that it is there only if wanted."""

import pytest

from functions.environment import WebhookEnvironment
from tests.infra.conftest import Deploy, Recorded
from tests.infra.test_program import FUNCTION_BASICS, POWERTOOLS, environment
from tests.infra.test_schedules import grants_of, waits

__all__ = ["waits"]

SECRET = "whsec_bWFya2VkLW1hcmtlZC1tYXJrZWQ="


@pytest.fixture(scope="module")
def webhook(deploy: Deploy) -> Recorded:
    return deploy(webhook_secret=SECRET)


def test_without_a_secret_there_is_no_function_no_url_and_no_output(recorded: Recorded) -> None:
    assert recorded.of("aws:lambda/functionUrl:FunctionUrl") == []
    assert recorded.of("aws:lambda/permission:Permission") == []
    assert [each.name for each in recorded.resources if "webhook" in each.name] == []
    assert "webhookUrl" not in recorded.outputs


def test_it_may_only_read_its_secret_and_start_the_one_machine(webhook: Recorded) -> None:
    allowed = webhook.grants("webhook-role")
    assert allowed.keys() == FUNCTION_BASICS | {"states:StartExecution"}
    assert allowed["secretsmanager:GetSecretValue"] == [webhook.one("webhook-signing-secret").arn]
    assert allowed["states:StartExecution"] == [webhook.one("labels-poll-state-machine").arn]


def test_it_is_told_what_it_reads_and_nothing_else(
    webhook: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = environment(webhook, "webhook-function")
    read = {name.upper() for name in WebhookEnvironment.model_fields}
    assert told.keys() == {*POWERTOOLS, *read}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    loaded = WebhookEnvironment.load()
    assert loaded.webhook_secret_arn == webhook.one("webhook-signing-secret").arn
    assert loaded.completion_poll_flow_arn == webhook.outputs["completionPollFlowArn"]


def test_anybody_may_call_its_url_and_nothing_else_of_it(webhook: Recorded) -> None:
    name = webhook.one("webhook-function").outputs["name"]
    [url] = webhook.of("aws:lambda/functionUrl:FunctionUrl")
    assert url.inputs == {"functionName": name, "authorizationType": "NONE"}
    assert webhook.outputs["webhookUrl"] == url.outputs["functionUrl"]
    opened = [each.inputs for each in webhook.of("aws:lambda/permission:Permission")]
    anybody = {"function": name, "principal": "*"}
    by_action = {each["action"]: each for each in opened}
    assert by_action == {
        "lambda:InvokeFunctionUrl": {
            **anybody,
            "action": "lambda:InvokeFunctionUrl",
            "functionUrlAuthType": "NONE",
        },
        "lambda:InvokeFunction": {
            **anybody,
            "action": "lambda:InvokeFunction",
            "invokedViaFunctionUrl": True,
        },
    }
    assert len(opened) == 2


def test_the_url_is_there_when_all_is_granted(deploy: Deploy, waits: dict[str, set[str]]) -> None:
    webhook = deploy(webhook_secret=SECRET)
    assert waits["webhook-url"] >= grants_of(webhook, "webhook-role")
    assert waits["webhook-url"] >= grants_of(webhook, "labels-poll-role")


@pytest.mark.parametrize(
    ("stack", "config", "reserved"),
    [
        ("dev", {}, None),
        ("prod", {}, 5),
        ("dev", {"webhookReservedConcurrency": "2"}, 2),
        ("prod", {"webhookReservedConcurrency": ""}, None),
    ],
)
def test_it_takes_as_much_of_the_accounts_concurrency_as_is_configured(
    deploy: Deploy, stack: str, config: dict[str, str], reserved: int | None
) -> None:
    webhook = deploy(stack, config, webhook_secret=SECRET)
    functions = webhook.of("aws:lambda/function:Function")
    found = {each.name: each.inputs.get("reservedConcurrentExecutions") for each in functions}
    assert found.pop("webhook-function") == reserved
    assert set(found.values()) == {None}
