"""What the functions stand on: an AWS in this process, and an OpenAI on this machine."""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader, create_loader
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from functions import observability
from functions.clients.dynamodb import Table
from functions.clients.openai import OpenAIService
from functions.clients.secrets import Secret
from local.standins.openai import OpenAIStandIn
from local.tables import fit_for_many_items

REGION: Final = "eu-central-1"
API_KEY = "sk-test-0123456789abcdefghijklmnop"

MakeTable = Callable[[str], Table]
LogLines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def no_metrics_left() -> Iterator[None]:
    """What a test counts and nobody writes is not the next test's, nor is its namespace."""
    observability.metrics.cache_clear()
    yield
    observability.forget_metrics()


@pytest.fixture(autouse=True)
def log() -> Iterator[io.StringIO]:
    """What the functions log, apart: the logger outlives what pytest puts for standard output."""
    handler: Any = observability.logger().registered_handler
    handler.stream = io.StringIO()
    yield handler.stream
    handler.stream = sys.stdout


@pytest.fixture
def logged(log: io.StringIO) -> LogLines:
    """What the functions have logged since the test began, one decoded object a line."""
    return lambda: [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.fixture(scope="session")
def service_models() -> Loader:
    """One for all: reading what the clients are made of takes longer than most of the tests."""
    return create_loader()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, service_models: Loader) -> Iterator[None]:
    """An empty AWS, and an environment in which nobody's own account can be reached."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    answer, one_at_a_time = BotocoreStubber.process_request, threading.Lock()

    def process_request(self: BotocoreStubber, request: Any) -> Any:
        # moto looks and then writes; DynamoDB does both at once.
        with one_at_a_time:
            return answer(self, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", process_request)
    with mock_aws(), fit_for_many_items():
        session = botocore.session.Session()
        session.register_component("data_loader", service_models)
        boto3.setup_default_session(botocore_session=session)
        yield


@pytest.fixture
def make_table(aws: None) -> MakeTable:
    """Makes an empty table whose key is ``pk`` and ``sk``."""

    def make(name: str) -> Table:
        boto3.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        return Table.named(name)

    return make


@pytest.fixture
def secret(aws: None) -> Secret:
    """OpenAI's key, ``API_KEY``, in Secrets Manager."""
    manager = boto3.client("secretsmanager")
    return Secret(manager.create_secret(Name="openai-key", SecretString=API_KEY)["ARN"])


@pytest.fixture
def standin() -> Iterator[OpenAIStandIn]:
    """OpenAI with nothing in it, which takes ``API_KEY`` alone."""
    with OpenAIStandIn(api_keys=[API_KEY]) as running:
        yield running


@pytest.fixture
def openai_service(standin: OpenAIStandIn, secret: Secret) -> OpenAIService:
    """The service at the stand-in. It tries once, so that a fault is met and not waited for."""
    return OpenAIService(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=0)
