"""What is logged when somebody asks every library for all that it has to say."""

import base64
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from urllib.parse import quote

import boto3
import pytest

from functions.clients.openai import OpenAIService
from functions.clients.openai_batches import BatchJobs
from functions.clients.pinecone import VectorIndex
from functions.clients.secrets import Secret
from functions.errors import FlowError
from local.standins.openai import Fault, OpenAIStandIn
from local.standins.pinecone import PineconeStandIn
from tests.pinecone_sdk import all_attempts

KEY = "sk-debug-0123456789/abcdefghij"


@pytest.fixture
def clients(aws: None) -> Iterator[dict[str, Callable[[], object]]]:
    """A call of each kind of client, at servers which refuse the key at first and show it."""
    boto3.client("secretsmanager").create_secret(Name="key", SecretString=KEY)
    key = Secret("key")
    told = {"status": 401, "message": f"Incorrect API key provided: {KEY}"}
    with ExitStack() as opened:
        opened.enter_context(all_attempts())
        openai = opened.enter_context(OpenAIStandIn(api_keys=[KEY]))
        openai.faults.add(Fault(operation="files.retrieve", **told))  # type: ignore[arg-type]
        openai.faults.add(Fault(operation="batches.retrieve", **told))  # type: ignore[arg-type]
        pinecone = opened.enter_context(PineconeStandIn(api_keys=[KEY]))
        pinecone.faults.add(Fault(operation="fetch", **told))  # type: ignore[arg-type]
        service = OpenAIService(key, base_url=openai.base_url, timeout_seconds=10)
        jobs = BatchJobs(key, base_url=openai.base_url, timeout_seconds=10)
        index = VectorIndex(key, host=pinecone.host, namespace="words", timeout_seconds=10)
        opened.callback(index.close)
        yield {
            "openai": lambda: service.file_exists("file-1"),
            "batches": lambda: jobs.job("batch_1"),
            "pinecone": lambda: index.existing(["a"]),
        }


@pytest.mark.parametrize("name", ["openai", "batches", "pinecone"])
def test_no_library_logs_the_key_at_its_most_talkative(
    clients: dict[str, Callable[[], object]], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    # What OPENAI_LOG=debug sets, and Lambda's own log level.
    caplog.set_level(logging.DEBUG, logger="openai")
    caplog.set_level(logging.DEBUG)

    with suppress(FlowError):
        clients[name]()

    assert any(record.levelno == logging.DEBUG for record in caplog.records)
    formatter = logging.Formatter()
    written = "\n".join(formatter.format(record) for record in caplog.records)
    for form in (KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode()):
        assert form not in written
