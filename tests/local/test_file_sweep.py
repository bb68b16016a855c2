"""The sweep run for real: an upload whose answer was lost goes, and nothing else does."""

import json
import time
from typing import Any

import pytest

from local.sample_web import SampleWeb
from local.stack import LocalStack, running
from local.standins.openai import Fault

PATIENCE_SECONDS = 60
DAY = 86_400

pytestmark = pytest.mark.embedded


def ledger(stack: LocalStack) -> list[dict[str, Any]]:
    """The ledger's requests, once all of them have been handed over."""
    dynamodb, deadline = stack.aws.client("dynamodb"), time.monotonic() + PATIENCE_SECONDS
    while True:
        items = dynamodb.scan(TableName=stack.aws.outputs["ingestLedgerTableName"])["Items"]
        requests = [item for item in items if item["pk"]["S"].startswith("REQUEST#")]
        if requests and all(item["status"]["S"] == "HANDED_OVER" for item in requests):
            return requests
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_the_sweep_deletes_an_orphan_and_nothing_else() -> None:
    with SampleWeb() as web, running(config={}) as stack, stack.openai_client() as client:
        assert stack.standin
        other = client.files.create(file=("handbook.md", b"A handbook."), purpose="assistants").id
        stack.standin.faults.add(Fault(operation="files.create", drop="after"))
        message = {
            "domain": "bruckmoor.example",
            "url": web.url("/press/frame-contract.txt"),
            "fallback": "A frame contract.",
            "type": "news",
            "vectorStore": "news/bruckmoor.example",
        }
        stack.aws.client("sqs").send_message(
            QueueUrl=stack.aws.outputs["downloadQueueUrl"], MessageBody=json.dumps(message)
        )
        [request] = ledger(stack)
        named = request["upload"]["M"]["file_id"]["S"]
        assert len(stack.standin.files) == 3

        assert sweep(stack) == {"deleted": 0, "remaining": False}
        for file in stack.standin.files.values():
            file.created_at -= DAY
        assert sweep(stack) == {"deleted": 1, "remaining": False}
        assert stack.standin.files.keys() == {other, named}
        [store] = stack.standin.vector_stores.values()
        assert list(store.attachments) == [named]


def sweep(stack: LocalStack) -> Any:
    answer = stack.aws.invoke(stack.aws.outputs["fileSweepFunctionName"], {})
    assert not answer.failed, answer.payload
    return answer.payload
