"""The ingest function as it is shipped, and events for it; ``dynamodb`` and ``outside`` run."""

import itertools
import json
import os
import time
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from benchmarks.servers.outside import Outside
from functions.ingest.handler import handler

_SECONDS = 300


class Ingesting:
    """Invocations of one warm process of the function."""

    def __init__(self, world: Outside) -> None:
        arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:flow"
        port = world.web_url.rpartition(":")[2]
        os.environ |= {
            "OPENAI_API_KEY_SECRET_ARN": "openai-key",
            "OPENAI_BASE_URL": world.openai_url,
            "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/download",
            "RETRY_DELAY_SECONDS": "30",
            "INGEST_LEDGER_TABLE": "ingest-ledger",
            "VECTOR_STORE_BATCH_FLOW_ARN": arn,
            "FALLBACK_MODEL": "gpt-5.4-mini",
            "VECTOR_STORE_BATCH_MAX_FILES": "500",
            "INGEST_REFRESH_AFTER_SECONDS": "86400",
            "DOWNLOAD_MAX_BYTES": "20000000",
            "DOWNLOAD_TIMEOUT_SECONDS": "20",
            "DOWNLOAD_MIN_CHARACTERS": "200",
            "DOWNLOAD_PORTS": port,
            "DOWNLOAD_ALLOW_LOOPBACK": "true",
            "POWERTOOLS_SERVICE_NAME": "ingest",
        }
        self._numbers = itertools.count()

    def invoke(self, documents: Sequence[tuple[str, str]]) -> None:
        """One event with a record for each URL and the vector store that it is for.

        RuntimeError if any is given back to the queue.
        """
        records = [self._record(url, store) for url, store in documents]
        answer = handler({"Records": records}, _Context())
        if answer["batchItemFailures"]:
            raise RuntimeError(f"records were given back: {answer}")

    def _record(self, url: str, store: str) -> dict[str, Any]:
        number = next(self._numbers)
        body = {
            "domain": "example.com",
            "url": url,
            "fallback": "Example builds pumps.",
            "vectorStore": store,
            "type": "news",
        }
        sent = {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(time.time() * 1000))}
        return {
            "messageId": f"message-{number}",
            "receiptHandle": f"receipt-{number}",
            "body": json.dumps(body),
            "attributes": sent,
        }


class _Context(LambdaContext):
    def __init__(self) -> None:
        self._aws_request_id = "invocation"
        self._function_name = "ingest"
        self._ends_at = time.monotonic() + _SECONDS

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # theirs is static
        return int((self._ends_at - time.monotonic()) * 1000)
