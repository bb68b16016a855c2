"""The function behind its URL, with a state machine to start and a secret to read."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from functions.clients import calls
from functions.webhooks import handler
from local.standins.openai.webhooks import signed
from tests.functions.invocations import Context

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
JOB = "batch_685342e6c53c8190"
DEFINITION = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


def event_body(kind: str = "batch.completed", **changes: Any) -> str:
    """An event of OpenAI's."""
    event = {
        "id": "evt_685343a1381c819085d44c354e1b330e",
        "object": "event",
        "created_at": 1_750_287_018,
        "type": kind,
        "data": {"id": JOB},
    }
    return json.dumps({**event, **changes})


def web_event(
    body: str | None, headers: Mapping[str, str], *, method: str = "POST", encoded: bool = False
) -> dict[str, Any]:
    """What a function URL makes of a request."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "headers": dict(headers),
        "requestContext": {"http": {"method": method, "path": "/", "sourceIp": "192.0.2.1"}},
        **({} if body is None else {"body": body}),
        "isBase64Encoded": encoded,
    }


@dataclass(frozen=True)
class Url:
    """The function's URL, and what came of calling it."""

    machine_arn: str

    def call(self, event: Any) -> int:
        """The status that it answers with, which is all that it says."""
        answer = handler.handler(event, Context())
        assert answer.keys() == {"statusCode"}
        return int(answer["statusCode"])

    def post(self, body: str, headers: Mapping[str, str] | None = None) -> int:
        """Send a body, signed as it should be unless there are ``headers``."""
        return self.call(
            web_event(body, signed(body.encode(), SECRET) if headers is None else headers)
        )

    def started(self) -> dict[str, Any]:
        """The executions so far: their inputs by their names."""
        client = boto3.client("stepfunctions")
        found = client.list_executions(stateMachineArn=self.machine_arn)["executions"]
        return {
            each["name"]: json.loads(
                client.describe_execution(executionArn=each["executionArn"])["input"]
            )
            for each in found
        }


@pytest.fixture
def url(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Url]:
    secret = boto3.client("secretsmanager").create_secret(Name="webhook", SecretString=SECRET)
    machine = boto3.client("stepfunctions").create_state_machine(
        name="poll",
        definition=json.dumps(DEFINITION),
        roleArn="arn:aws:iam::123456789012:role/poll",
    )
    monkeypatch.setenv("WEBHOOK_SECRET_ARN", secret["ARN"])
    monkeypatch.setenv("COMPLETION_POLL_FLOW_ARN", machine["stateMachineArn"])
    handler._receiver.cache_clear()
    yield Url(machine["stateMachineArn"])
    handler._receiver.cache_clear()


def replace_secret(secret: str) -> None:
    """As ``pulumi up`` does."""
    boto3.client("secretsmanager").put_secret_value(SecretId="webhook", SecretString=secret)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each call was made."""
    made, call = Counter[str](), calls.call

    def counted(name: str, request: Callable[[], Any]) -> Any:
        made[name] += 1
        return call(name, request)

    monkeypatch.setattr(calls, "call", counted)
    return made
