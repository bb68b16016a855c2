"""States of a stack, made by hand."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from functions.ingest.ledger import request_key
from functions.messages import DownloadRequest
from local.demo.outcomes import SentMessage
from local.demo.scenario import Outcome, PlannedMessage
from local.demo.snapshot import Execution, Letter, QueueCounts, QueueName, Request, Snapshot
from local.demo.snapshot import StoreFile as File

URL = "http://127.0.0.1:8000/press/frame-contract.txt"
BODY = json.dumps(
    {
        "domain": "a.example",
        "url": URL,
        "fallback": "What is known.",
        "type": "news",
        "vectorStore": "news/a.example",
    }
)
KEY = request_key(DownloadRequest.parse_json(BODY))
INPUT = {
    "vectorStoreId": "vs_1",
    "batchId": "vsfb_1234567",
    "context": {"domain": "a.example", "customerDomain": "b.example"},
}
EXECUTION = Execution(
    arn="arn:1",
    name="vsfb_1234567",
    status="SUCCEEDED",
    batch_id="vsfb_1234567",
    input=INPUT,
    checks=3,
    notification={"domain": "a.example", "batchId": "vsfb_1234567"},
)
TIMED_OUT = replace(
    EXECUTION,
    status="FAILED",
    error="PollTimeout",
    cause=json.dumps({"errorMessage": "vsfb_1234567 is in_progress", "errorType": "BatchPending"}),
    notification=None,
)
FLOW_LETTER = Letter(
    queue=QueueName.FLOW_DEAD_LETTERS,
    message_id="m-9",
    body="{}",
    reason=TIMED_OUT.reason,
    execution_arn="arn:1",
    execution_input=INPUT,
)
ANALYSIS: dict[str, Any] = {
    "domain": "a.example",
    "customerDomain": "b.example",
    "subjectType": "customer",
    "batchId": "vsfb_1234567",
    "version": Decimal(1),
    "sources": [{"file_id": "file-1", "score": Decimal("0.5")}],
    "analysis": {"signals": [{"title": "An order"}], "trends": ["Orders rose."]},
}
REQUEST = Request(key=KEY, file_id="file-1", batch_id="vsfb_1234567", vector_store_id="vs_1")
DONE = Snapshot(
    queues={QueueName.DOWNLOAD: QueueCounts(), QueueName.MARKET_ANALYSIS: QueueCounts()},
    requests={KEY: REQUEST},
    files=[File(file_id="file-1", ledger_key=KEY, status="completed")],
    executions=[EXECUTION],
    analyses=[ANALYSIS],
)


def sent(outcome: Outcome = Outcome.INGESTED, reason: str = "", body: str = BODY) -> SentMessage:
    planned = PlannedMessage(
        url=URL, customer="b.example", body=body, outcome=outcome, reason=reason
    )
    return SentMessage(planned=planned, message_ids=["m-1"])


def download_letter(body: str = BODY, message_id: str = "m-1") -> Letter:
    return Letter(
        queue=QueueName.DOWNLOAD_DEAD_LETTERS,
        message_id=message_id,
        body=body,
        reason="DownloadRequest: markets: Input should be a valid array",
    )
