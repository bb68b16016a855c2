"""Answers that get lost between a service and the SDK, which then does what it does by itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2
import pytest
from botocore.exceptions import ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber

from local.standins.openai import Fault, OpenAIStandIn
from local.standins.pinecone import PineconeStandIn
from tests.faults.seam import Seam


class Wire:
    """Between the SDKs and moto and the two stand-ins."""

    def __init__(self, openai: OpenAIStandIn, pinecone: PineconeStandIn) -> None:
        self._openai = openai
        self._pinecone = pinecone
        self._losing = False

    @contextmanager
    def lose_next_answer(self, call: str) -> Iterator[None]:
        """While the block runs, the first answer of that call's service does not arrive."""
        service, _, operation = call.partition(".")
        if service == "openai":
            self._openai.faults.add(Fault(operation=operation, drop="after"))
        elif service == "pinecone":
            self._pinecone.faults.add(Fault(operation=operation, drop="after"))
        else:
            self._losing = True
        yield
        assert not self._losing, f"{call} asked AWS for nothing"

    @contextmanager
    def in_place(self, seam: Seam) -> Iterator[None]:
        """While the block runs, AWS's answers pass here, and ``seam`` is told of each request."""
        answer = BotocoreStubber.process_request
        # By the token of the request, which says that it is the same one again. No world has
        # another's, as their tokens are the same.
        lost: dict[str, Any] = {}

        def process_request(stubber: BotocoreStubber, request: Any) -> Any:
            seam.note_request(f"{request.method} {request.url}")
            token = _token(request)
            if token in lost:
                return lost[token]
            answered = answer(stubber, request)
            if self._losing:
                self._losing = False
                if token:
                    lost[token] = answered
                raise ReadTimeoutError(endpoint_url=request.url)
            return answered

        def noted(send: Any) -> Any:
            def sending(client: Any, request: Any, **more: Any) -> Any:
                seam.note_request(f"{request.method} {request.url}")
                return send(client, request, **more)

            return sending

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BotocoreStubber, "process_request", process_request)
            # OpenAI's SDK and Pinecone's have a client each.
            for http in (httpx, httpx2):
                patch.setattr(http.Client, "send", noted(http.Client.send))
            yield


def _token(request: Any) -> str:
    """What DynamoDB knows a transaction by that is sent again, which moto does not look at.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    if not request.headers.get("X-Amz-Target", b"").endswith(b"TransactWriteItems"):
        return ""
    return str(json.loads(request.body)["ClientRequestToken"])
