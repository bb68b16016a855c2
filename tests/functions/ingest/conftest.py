"""The ingest of SQS events with a web, a queue and a flow that tests can steer."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from openai import OpenAI

from functions.clients.dynamodb import Table
from functions.clients.openai import OpenAIService
from functions.clients.step_functions import StateMachine
from functions.clients.web import Fetched
from functions.deliveries import Delivery, Failure
from functions.errors import DownloadError, DownloadFailure
from functions.ingest.grouping import Group, group
from functions.ingest.handover import Handover
from functions.ingest.ingest import Ingest
from functions.ingest.ledger import Ledger
from functions.ingest.preparation import Preparation
from functions.ingest.vector_stores import VectorStores
from functions.messages import DownloadRequest
from local.standins.openai import OpenAIStandIn
from tests.functions.conftest import API_KEY

PAGE = (
    b"<html><title>News</title><body><p>" + b"Example builds pumps. " * 20 + b"</p></body></html>"
)
REFRESH_SECONDS = 3600
LEASE_SECONDS = 300


@dataclass
class Web:
    """A web of a few pages; whatever is not there answers 404."""

    pages: dict[str, bytes] = field(default_factory=dict)
    meeting: threading.Barrier | None = None
    """Where downloads wait for each other."""

    def download(self, url: str) -> Fetched:
        if self.meeting:
            self.meeting.wait()
        if url not in self.pages:
            raise DownloadError(DownloadFailure.HTTP_STATUS, "404")
        return Fetched(url=url, content_type="text/html", body=self.pages[url])


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_700_000_000

    def __call__(self) -> float:
        return self.now


class Worker:
    """Invocations of the ingest function, one after another, each with a lease of its own."""

    _numbers: Iterator[int] = itertools.count()

    def __init__(
        self, *, web: Web, clock: Clock, table: Table, openai: OpenAIService, flow: StateMachine
    ) -> None:
        self.web, self.clock, self.table, self.openai, self.flow = web, clock, table, openai, flow
        self.max_files = 500

    def ingest(self) -> Ingest:
        """What one invocation works with."""
        owner = f"worker-{next(self._numbers)}"
        lease_until = int(self.clock() + LEASE_SECONDS)
        ledger = Ledger(
            self.table,
            owner=owner,
            lease_until=lease_until,
            refresh_after_seconds=REFRESH_SECONDS,
            clock=self.clock,
        )
        stores = VectorStores(
            table=self.table,
            openai=self.openai,
            owner=owner,
            lease_until=lease_until,
            clock=self.clock,
            wait_seconds=5,
        )
        return Ingest(
            preparation=Preparation(
                ledger=ledger,
                openai=self.openai,
                download=self.web.download,
                min_characters=50,
                fallback_model="gpt-test",
                stack_mark=self.table.name,
                clock=self.clock,
            ),
            handover=Handover(ledger=ledger, stores=stores, openai=self.openai, flow=self.flow),
            max_files=self.max_files,
        )

    def run(self, *messages: Mapping[str, Any] | str) -> list[Failure]:
        """One invocation with these message bodies; the failures."""
        return self.ingest().run([delivery(message) for message in messages])

    def entries(self) -> list[dict[str, Any]]:
        """The ledger's requests."""
        items = boto3.resource("dynamodb").Table(self.table.name).scan()["Items"]
        return [dict(item) for item in items if str(item["pk"]).startswith("REQUEST#")]

    def executions(self) -> list[dict[str, Any]]:
        """What the flow was started with."""
        client = boto3.client("stepfunctions")
        machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        found = client.list_executions(stateMachineArn=machine)["executions"]
        return [
            json.loads(client.describe_execution(executionArn=e["executionArn"])["input"])
            for e in found
        ]


_message_ids = itertools.count()


def delivery(message: Mapping[str, Any] | str) -> Delivery:
    """A first delivery of a message."""
    body = message if isinstance(message, str) else json.dumps(message)
    number = next(_message_ids)
    return Delivery(message_id=f"message-{number}", receipt=f"r{number}", body=body, receives=1)


def message(url: str = "https://example.com/news", **fields: Any) -> dict[str, Any]:
    """A good message of the download queue."""
    return {
        "domain": "example.com",
        "url": url,
        "fallback": "Example builds pumps.",
        "vectorStore": "news/example.com",
        "type": "news",
        **fields,
    }


def parsed(body: dict[str, Any]) -> DownloadRequest:
    """The request of a message."""
    return DownloadRequest.parse(body)


def one_group(ingest: Ingest, *bodies: dict[str, Any]) -> Group:
    """Messages prepared by one worker, which share a file batch."""
    prepared = [ingest.preparation.prepare(parsed(body)) for body in bodies]
    [only] = group([each for each in prepared if each], max_files=500)
    return only


@pytest.fixture
def web() -> Web:
    return Web(pages={"https://example.com/news": PAGE})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flow(aws: None) -> StateMachine:
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    client = boto3.client("stepfunctions")
    arn = client.create_state_machine(
        name="flow",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/flow",
    )["stateMachineArn"]
    return StateMachine(client, arn)


@pytest.fixture
def openai_client(standin: OpenAIStandIn) -> Iterator[OpenAI]:
    """OpenAI as somebody else uses it."""
    with OpenAI(base_url=standin.base_url, api_key=API_KEY) as client:
        yield client


@pytest.fixture
def worker(
    web: Web,
    clock: Clock,
    make_table: Callable[[str], Table],
    openai_service: OpenAIService,
    flow: StateMachine,
) -> Worker:
    return Worker(
        web=web, clock=clock, table=make_table("ledger"), openai=openai_service, flow=flow
    )
