"""Documents, and what the functions write of them, by the functions' own code."""

import json
import time
from collections.abc import Mapping
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.stepfunctions.models import stepfunctions_backends

from functions.clients.openai import Hit
from functions.clients.sqs import Queue
from functions.clients.step_functions import StateMachine
from functions.deliveries import Delivery, Failure, batch_response
from functions.errors import FinalError
from functions.ingest.ledger import Batch, Claim, Ledger, Upload, record_file_failure
from functions.market_analysis.analyses import Analyses
from functions.market_analysis.research import MarketAnalysis
from functions.messages import FileBatchRef, MarketAnalysisRequest
from ops.ingest.documents import Document
from ops.stack import Stack
from tests.functions.conftest import REGION

DOCUMENT: Mapping[str, Any] = {
    "domain": "example.com",
    "url": "https://example.com/news",
    "fallback": "What is known.",
    "vectorStore": "news/example.com",
    "type": "news",
}
REFRESH_SECONDS = 24 * 3600


class _NoQueue(Queue):
    """Messages that fail are not to come again."""

    def __init__(self) -> None:
        """It needs no client."""

    def retry_later(self, receipt: str, receives: int) -> None:
        """Nothing waits."""


class Functions:
    """The functions of a stack, a step at a time; ``now`` is their clock."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._claims: dict[str, Claim] = {}
        self.now = time.time()

    def claim(self, document: Document) -> None:
        claim = self._ledger().claim(document.key, document.request)
        assert claim is not None
        self._claims[document.key] = claim

    def upload(self, document: Document, *, reason: str = "") -> None:
        upload = Upload(
            file_id="file-1",
            file_name="news.html",
            sha256="0" * 64,
            source="fallback" if reason else "download",
            reason=reason,
            ingested_at="2026-01-01T00:00:00+00:00",
        )
        claim = self._ledger().record_upload(self._claims[document.key], upload)
        self._claims[document.key] = claim

    def hand_over(self, document: Document, batch_id: str = "vsfb_1", *, seen: bool = True) -> None:
        """Claimed, uploaded, put into a batch, and its execution started, which may not be seen."""
        if document.key not in self._claims:
            self.claim(document)
        if self._claims[document.key].upload is None:
            self.upload(document)
        ref = FileBatchRef(
            vector_store_id="vs_1",
            vector_store_name=document.request.vector_store,
            batch_id=batch_id,
            context=document.request.context,
        )
        machine = self._stack.outputs.vector_store_batch_flow_arn
        if seen:
            StateMachine(boto3.client("stepfunctions"), machine).start(batch_id, ref.to_wire())
        batch = Batch(
            batch_id=batch_id, vector_store_id="vs_1", vector_store_name=ref.vector_store_name
        )
        self._ledger().record_handed_over(self._claims.pop(document.key), batch)

    def give_up(self, document: Document, reason: str) -> None:
        self._ledger().release(document.key, reason)
        del self._claims[document.key]

    def fail_file(self, document: Document, batch_id: str = "vsfb_1") -> None:
        record_file_failure(
            self._stack.ledger,
            document.key,
            batch_id=batch_id,
            code="invalid_file",
            message="No text in it.",
        )

    def fail_delivery(self, message_id: str, receives: int, reason: str) -> None:
        """Of the DownloadQueue."""
        _fail(self._stack.ledger, message_id, receives, reason)

    def end_run(
        self, status: str, *, message_id: str = "", error: str = "", batch_id: str = "vsfb_1"
    ) -> None:
        """The execution of a batch ends; its last step sent this message."""
        machine = self._stack.outputs.vector_store_batch_flow_arn
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{batch_id}"
        backend: Any = stepfunctions_backends[DEFAULT_ACCOUNT_ID][REGION]
        execution = backend.describe_execution(arn)
        execution.status = status
        if message_id:
            execution.output = json.dumps({"MessageId": message_id, "MD5OfMessageBody": "0"})
        if error:
            execution.error = error
            execution.cause = json.dumps({"errorMessage": "it said so"})

    def analyse(self, document: Document, batch_id: str = "vsfb_1") -> None:
        request = MarketAnalysisRequest(
            **dict(document.request.context), vector_store_id="vs_1", batch_id=batch_id
        )
        analyses = Analyses(
            self._stack.analyses, owner="worker", lease_until=int(self.now) + 60, clock=self._clock
        )
        assert analyses.claim(request, f"BATCH#{batch_id}")
        analysis = MarketAnalysis(signals=[], demand="None.", trends=[], implications=[])
        analyses.store(
            request,
            f"BATCH#{batch_id}",
            analysis,
            [Hit(file_id="file-1", filename="a", url="https://a")],
        )

    def fail_analysis(self, message_id: str, receives: int, reason: str) -> None:
        """A delivery of the MarketAnalysisQueue."""
        _fail(self._stack.analyses, message_id, receives, reason)

    def _ledger(self) -> Ledger:
        return Ledger(
            self._stack.ledger,
            owner="worker",
            lease_until=int(self.now) + 300,
            refresh_after_seconds=REFRESH_SECONDS,
            clock=self._clock,
        )

    def _clock(self) -> float:
        return self.now


def _fail(table: Any, message_id: str, receives: int, reason: str) -> None:
    delivery = Delivery(message_id=message_id, receipt="receipt", body="{}", receives=receives)
    failure = Failure(delivery=delivery, error=FinalError(reason))
    batch_response([failure], queue=_NoQueue(), reasons=table)
