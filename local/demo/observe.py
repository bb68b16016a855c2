"""Reads the state of a stack: from AWS, through its APIs, and from OpenAI's vector stores."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from openai import OpenAI

from local.demo.histories import checks, notification
from local.demo.letters import Received, read_letters
from local.demo.snapshot import (
    Execution,
    QueueCounts,
    QueueName,
    Request,
    Snapshot,
    StoreFile,
)

_DEAD_LETTER_QUEUES = (
    QueueName.DOWNLOAD_DEAD_LETTERS,
    QueueName.FLOW_DEAD_LETTERS,
    QueueName.MARKET_ANALYSIS_DEAD_LETTERS,
)
# Long enough that a letter is read once, and it stays in its queue.
_HIDE_SECONDS = 3600

Item = dict[str, Any]


class Observer:
    """Looks at one stack, given by its outputs, again and again."""

    def __init__(
        self, aws: Callable[[str], Any], outputs: Mapping[str, Any], openai: OpenAI
    ) -> None:
        self._aws = aws
        self._outputs = outputs
        self._openai = openai
        self._ended: dict[str, Execution] = {}
        self._received: dict[str, Received] = {}

    def look(self) -> Snapshot:
        """The state now, read downstream: what moves on meanwhile is seen twice, never missed."""
        queues = {QueueName.DOWNLOAD: self._count(QueueName.DOWNLOAD)}
        ledger = list(self._scan("ingestLedgerTableName"))
        requests = {
            request.key: request
            for request in (_request(item) for item in ledger if item["sk"] == "REQUEST")
        }
        executions = list(self._executions())
        queues |= {name: self._count(name) for name in QueueName if name not in queues}
        analyses = list(self._scan("analysesTableName"))
        self._receive_letters(queues)
        failures = [item for item in [*ledger, *analyses] if item["sk"] == "FAILURE"]
        reasons = {item["pk"].removeprefix("MESSAGE#"): item["reason"] for item in failures}
        return Snapshot(
            queues=queues,
            requests=requests,
            files=list(self._files({request.vector_store_id for request in requests.values()})),
            executions=executions,
            analyses=[item for item in analyses if _is_finished_run(item)],
            letters=read_letters(self._received.values(), reasons, executions),
        )

    def _count(self, name: QueueName) -> QueueCounts:
        answer = self._aws("sqs").get_queue_attributes(
            QueueUrl=self._outputs[f"{name}Url"],
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )
        found = {key: int(value) for key, value in answer["Attributes"].items()}
        return QueueCounts(
            waiting=found["ApproximateNumberOfMessages"]
            + found["ApproximateNumberOfMessagesDelayed"],
            in_flight=found["ApproximateNumberOfMessagesNotVisible"],
        )

    def _scan(self, table_output: str) -> Iterator[Item]:
        deserialised = TypeDeserializer().deserialize
        pages = self._aws("dynamodb").get_paginator("scan")
        for page in pages.paginate(TableName=self._outputs[table_output], ConsistentRead=True):
            for item in page["Items"]:
                yield {name: deserialised(value) for name, value in item.items()}

    def _executions(self) -> Iterator[Execution]:
        """In the order of their start."""
        pages = self._aws("stepfunctions").get_paginator("list_executions")
        listed = [
            execution
            for page in pages.paginate(stateMachineArn=self._outputs["vectorStoreBatchFlowArn"])
            for execution in page["executions"]
        ]
        for arn in (e["executionArn"] for e in sorted(listed, key=lambda e: e["startDate"])):
            execution = self._ended.get(arn) or self._execution(arn)
            if execution.has_ended:
                self._ended[arn] = execution
            yield execution

    def _execution(self, arn: str) -> Execution:
        sfn = self._aws("stepfunctions")
        described = sfn.describe_execution(executionArn=arn)
        events = [
            event
            for page in sfn.get_paginator("get_execution_history").paginate(executionArn=arn)
            for event in page["events"]
        ]
        given = json.loads(described["input"])
        return Execution(
            arn=arn,
            name=described["name"],
            status=described["status"],
            batch_id=given["batchId"],
            input=given,
            checks=checks(events),
            error=described.get("error", ""),
            cause=described.get("cause", ""),
            notification=notification(events),
        )

    def _files(self, vector_store_ids: set[str]) -> Iterator[StoreFile]:
        for vector_store_id in sorted(vector_store_ids - {""}):
            for file in self._openai.vector_stores.files.list(vector_store_id, limit=100):
                yield StoreFile(
                    file_id=file.id,
                    ledger_key=str((file.attributes or {}).get("ledgerKey", "")),
                    status=file.status,
                )

    def _receive_letters(self, queues: Mapping[QueueName, QueueCounts]) -> None:
        for name in _DEAD_LETTER_QUEUES:
            if queues[name].waiting == 0:
                continue
            answer = self._aws("sqs").receive_message(
                QueueUrl=self._outputs[f"{name}Url"],
                MaxNumberOfMessages=10,
                VisibilityTimeout=_HIDE_SECONDS,
            )
            for message in answer.get("Messages", []):
                letter = Received(name, message["MessageId"], message["Body"])
                self._received[letter.message_id] = letter


def _request(item: Item) -> Request:
    upload, batch = item.get("upload", {}), item.get("batch", {})
    failure = item.get("fileFailure", {})
    return Request(
        key=item["pk"].partition("#")[2],
        file_id=upload.get("file_id", ""),
        is_fallback=upload.get("source") == "fallback",
        reason=upload.get("reason", ""),
        batch_id=batch.get("batch_id", ""),
        vector_store_id=batch.get("vector_store_id", ""),
        file_failure=f"{failure['code']}: {failure['message']}" if failure else "",
    )


def _is_finished_run(item: Item) -> bool:
    """Whether this is what one batch added, and not the newest analysis of the subject."""
    return "#BATCH#" in item["sk"] and item.get("status") == "DONE"
