"""The ingest and the sweep at one OpenAI, whose clock is theirs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import boto3
import pytest
from openai import OpenAI

from functions.clients.dynamodb import Table
from functions.clients.openai import OpenAIService
from functions.clients.openai_files import DocumentFiles
from functions.clients.secrets import Secret
from functions.clients.step_functions import StateMachine
from functions.sweep.sweeping import Sweep, Swept
from local.standins.openai import OpenAIStandIn
from tests.functions.conftest import API_KEY
from tests.functions.ingest.conftest import PAGE, Clock, Web, Worker

DAY = 86_400
KEY = "0123456789abcdef" * 4
LEDGER = "documents-ingest-ledger-0a1b2c3"


@dataclass
class Sweeper:
    """Runs the sweep, each time with as much time as is said."""

    table: Table
    files: DocumentFiles
    clock: Clock

    def run(self, *, files: int | None = None) -> Swept:
        """One run; with ``files``, there is time for so many."""
        left = iter([900.0] * files if files is not None else [])
        return Sweep(
            self.table,
            self.files,
            now=self.clock(),
            time_left=lambda: next(left, 900.0 if files is None else 99.0),
            reserve_seconds=100,
        ).run()

    @property
    def position(self) -> str | None:
        """The file after which the next run begins."""
        item = self.table.get({"pk": "SWEEP", "sk": "POSITION"}) or {}
        after: str | None = item.get("after")
        return after


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def standin(clock: Clock) -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn(api_keys=[API_KEY], clock=clock) as running:
        yield running


@pytest.fixture
def openai_client(standin: OpenAIStandIn) -> Iterator[OpenAI]:
    """OpenAI as somebody else uses it."""
    with OpenAI(base_url=standin.base_url, api_key=API_KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def table(make_table: Callable[[str], Table]) -> Table:
    return make_table(LEDGER)


@pytest.fixture
def worker(clock: Clock, table: Table, openai_service: OpenAIService) -> Worker:
    """The ingest function, with one page to download."""
    client = boto3.client("stepfunctions")
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    machine = client.create_state_machine(
        name="flow",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/flow",
    )
    return Worker(
        web=Web(pages={"https://example.com/news": PAGE}),
        clock=clock,
        table=table,
        openai=openai_service,
        flow=StateMachine(client, machine["stateMachineArn"]),
    )


@pytest.fixture
def sweeper(standin: OpenAIStandIn, secret: Secret, table: Table, clock: Clock) -> Sweeper:
    files = DocumentFiles(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=0)
    return Sweeper(table=table, files=files, clock=clock)


@pytest.fixture
def upload(openai_client: OpenAI) -> Callable[..., str]:
    """``upload(key=KEY, name=None)``: a request's file, or one of another name; its id."""

    def make(*, key: str = KEY, name: str | None = None) -> str:
        name = name or f"example-com-news.{LEDGER}-{key}.md"
        return openai_client.files.create(file=(name, b"Some text."), purpose="assistants").id

    return make
