"""Dead letters of every kind, put where their senders put them."""

import json
from dataclasses import dataclass
from typing import Any

from moto.sqs.models import sqs_backends
from moto.stepfunctions.models import stepfunctions_backends

from ops.letters.queues import DeadLetterQueue
from ops.stack import Stack
from tests.functions.conftest import REGION

ACCOUNT = "123456789012"
DOCUMENT = {
    "domain": "example.com",
    "url": "https://example.com/news",
    "fallback": "What is known.",
    "type": "news",
    "vectorStore": "news/example.com",
}
ANALYSIS: dict[str, Any] = {
    "legalName": None,
    "domain": "example.com",
    "customerDomain": "customer.example",
    "subjectType": "customer",
    "industries": [],
    "markets": [],
    "vectorStoreId": "vs_1",
    "batchId": "vsfb_1",
}


def batch(batch_id: str = "vsfb_1") -> dict[str, Any]:
    """The input of an execution."""
    return {
        "vectorStoreId": "vs_1",
        "vectorStoreName": "news/example.com",
        "batchId": batch_id,
        "context": {
            "domain": "example.com",
            "type": "news",
            "legalName": None,
            "industries": [],
            "markets": [],
            "customerDomain": "example.com",
            "subjectType": "customer",
        },
    }


def pending(batch_id: str = "vsfb_1") -> str:
    """The cause of a poll that took too long."""
    message = f"{batch_id} is in_progress: 1 of 2 files to go"
    return json.dumps({"errorMessage": message, "errorType": "BatchPending"})


@dataclass(frozen=True)
class Post:
    """Sends letters to a stack's dead-letter queues, and looks where messages are."""

    stack: Stack

    def send(self, queue: DeadLetterQueue, body: object, **attributes: str) -> str:
        """The id of the message."""
        return str(
            self.stack.client("sqs").send_message(
                QueueUrl=queue.url(self.stack.outputs),
                MessageBody=body if isinstance(body, str) else json.dumps(body),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": text}
                    for name, text in attributes.items()
                },
            )["MessageId"]
        )

    def document(self, body: object = DOCUMENT, *, reason: str = "", **attributes: str) -> str:
        """A letter of the DownloadQueue, with the reason that the ingest function recorded."""
        id_ = self.send(DeadLetterQueue.DOWNLOAD, body, **attributes)
        if reason:
            self.stack.ledger.put({"pk": f"MESSAGE#{id_}", "sk": "FAILURE", "reason": reason})
        return id_

    def analysis(self, body: object = ANALYSIS, *, reason: str = "") -> str:
        """A letter of the MarketAnalysisQueue."""
        id_ = self.send(DeadLetterQueue.MARKET_ANALYSIS, body)
        if reason:
            self.stack.analyses.put({"pk": f"MESSAGE#{id_}", "sk": "FAILURE", "reason": reason})
        return id_

    def execution(
        self, name: str = "vsfb_1", *, of: str = "vsfb_1", error: str = "BatchPending"
    ) -> tuple[str, str]:
        """Both letters of a failed execution: the machine's own, and the event."""
        named = {"BatchPending": "PollTimeout"}.get(error, error)
        return self.own(name, of=of, error=error), self.event(
            name, of=of, error=named, cause=pending(of)
        )

    def own(self, name: str, *, of: str = "vsfb_1", error: str = "BatchPending") -> str:
        """The machine's own letter alone."""
        arn, cause = self.arn(name), pending(of)
        own = {"executionArn": arn, "input": batch(of), "error": error, "cause": cause}
        return self.send(DeadLetterQueue.VECTOR_STORE_BATCH, own)

    def event(self, name: str, *, of: str = "vsfb_1", status: str = "FAILED", **more: Any) -> str:
        """The event alone."""
        detail = {
            "executionArn": self.arn(name),
            "status": status,
            "input": json.dumps(batch(of)),
            "error": None,
            "cause": None,
            **more,
        }
        return self.send(
            DeadLetterQueue.VECTOR_STORE_BATCH, {"source": "aws.states", "detail": detail}
        )

    def unstarted(self, queue: DeadLetterQueue, target: str, error: str = "AccessDenied") -> str:
        """What EventBridge Scheduler leaves when it could start nothing."""
        return self.send(queue, "{}", TARGET_ARN=target, ERROR_CODE=error, ERROR_MESSAGE="Not now.")

    def failed_call(self, queue: DeadLetterQueue, function: str, **response: str) -> str:
        """What Lambda leaves when a function failed twice."""
        record = {
            "version": "1.0",
            "timestamp": "2026-11-14T18:16:05.568Z",
            "requestContext": {
                "requestId": "e4b46cbf-b738-4880-a18c-df61200e0000",
                "functionArn": f"{self.function(function)}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 2,
            },
            "requestPayload": {},
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": response or None,
        }
        return self.send(queue, record)

    def function(self, name: str) -> str:
        """A function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"

    def arn(self, name: str) -> str:
        """The ARN of an execution of VectorStoreBatchFlow."""
        machine = self.stack.outputs.vector_store_batch_flow_arn
        return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"

    def ended(self, name: str, status: str = "FAILED", *, of: str = "vsfb_1") -> None:
        """Have an execution of VectorStoreBatchFlow that came to this end."""
        self.stack.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs.vector_store_batch_flow_arn,
            name=name,
            input=json.dumps(batch(of)),
        )
        execution = stepfunctions_backends[ACCOUNT][REGION].describe_execution(self.arn(name))
        execution.status = status

    def executions(self) -> dict[str, Any]:
        """The executions of VectorStoreBatchFlow: their inputs by their names."""
        states = self.stack.client("stepfunctions")
        listed = states.list_executions(
            stateMachineArn=self.stack.outputs.vector_store_batch_flow_arn
        )
        return {
            each["name"]: json.loads(
                states.describe_execution(executionArn=each["executionArn"])["input"]
            )
            for each in listed["executions"]
        }


def bodies(url: str) -> list[str]:
    """What a queue has, whoever holds it."""
    return sorted(message.body for message in _queue(url)._messages)


def held(url: str) -> int:
    """How many of its messages are in somebody's hands."""
    return sum(not message.visible for message in _queue(url)._messages)


def _queue(url: str) -> Any:
    return sqs_backends[ACCOUNT][REGION].queues[url.rpartition("/")[2]]
