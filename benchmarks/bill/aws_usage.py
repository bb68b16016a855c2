"""Counts, at the embedded AWS's door, what AWS would take money for."""

import io
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from benchmarks.bill.aws_bill import Invocation, Part, Usage
from benchmarks.bill.item_sizes import item_size, read_units, write_units
from local.aws import CREDENTIALS
from local.calls_made import REQUEST, STATE_MACHINES
from local.embedded import EmbeddedAws

PlainFunction = Callable[[Any], Any]
"""A function that is deployed nowhere: it takes the event, in this process."""

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_INVOCATION = re.compile(r"/2015-03-31/functions/(.+)/invocations")
_PLAIN_MEGABYTES = 256
# What Lambda itself writes of an invocation: START, END and REPORT, with the ids of its trace.
_PLATFORM_LOG_BYTES = 450
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_LOG_EVENT_BYTES = 26
_LOOKS_AT_QUEUES = ("GetQueueAttributes", "GetQueueUrl")
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
_TRY_OF_A_TASK, _TASK = "TaskScheduled", "TaskStateEntered"


class Meter:
    """What the stack has used since this was asked last."""

    def __init__(self, aws: EmbeddedAws, plain: Mapping[str, PlainFunction]) -> None:
        self._aws = aws
        self._plain = plain
        self._megabytes = {
            found.id: (found.name, int(found.inputs["memorySize"]))
            for found in aws.deployment.of_type("aws:lambda/function:Function")
        }
        self._lock = Lock()
        self._usage = Usage()
        self._told: set[str] = set()

    def taken(self, *machine_arns: str) -> Usage:
        """With the transitions of these machines' executions, which have all ended."""
        with self._lock:
            usage, self._usage = self._usage, Usage()
        states = self._aws.client("stepfunctions")
        for arn in machine_arns:
            for execution in states.list_executions(stateMachineArn=arn)["executions"]:
                if execution["executionArn"] not in self._told:
                    self._told.add(execution["executionArn"])
                    events = history(states, execution["executionArn"])
                    usage.counted[Part.TRANSITIONS] += transitions(events)
                    usage.counted[Part.TRACES] += 1
        return usage

    def answer(self, request: "_Request", respond: Callable[[], bytes]) -> bytes:
        """Have a request answered, and note what it costs."""
        if request.service == "dynamodb":
            before = self._written_sizes(request)
            response = respond()
            self._note_items(request, before, json.loads(response or b"{}"))
            return response
        began = time.perf_counter()
        response = respond()
        if request.service == "lambda":
            self._note_invocation(request, time.perf_counter() - began)
        else:
            self._note(_counted(request, response))
        return response

    def plain(self, request: "_Request") -> bytes | None:
        """What a function that is deployed nowhere says to its call; None if it is none."""
        found = self._plain.get(request.function)
        return None if found is None else json.dumps(found(json.loads(request.body))).encode()

    def _note(self, counted: Mapping[Part, float]) -> None:
        with self._lock:
            self._usage.counted.update(counted)

    def _note_invocation(self, request: "_Request", seconds: float) -> None:
        name, megabytes = self._megabytes.get(
            request.function.rpartition(":")[2], (request.function, _PLAIN_MEGABYTES)
        )
        with self._lock:
            self._usage.invocations.append(
                Invocation(function=name, megabytes=megabytes, seconds=seconds)
            )
            self._usage.counted[Part.LOGS] += _PLATFORM_LOG_BYTES
            # That of a state machine's call is the machine's own.
            traced = request.caller != STATE_MACHINES
            self._usage.counted[Part.TRACES] += int(traced)

    def _written_sizes(self, request: "_Request") -> list[int]:
        """The sizes of the items that a request is about to write, as they are now."""
        dynamodb = self._aws.client("dynamodb")
        sizes = []
        for table, key in _written(request.operation, request.document):
            found = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
            sizes.append(item_size(found.get("Item", {})))
        return sizes

    def _note_items(
        self, request: "_Request", before: Sequence[int], answer: Mapping[str, Any]
    ) -> None:
        """None of the tables that are written to here has an index."""
        if before:
            pairs = zip(before, self._written_sizes(request), strict=True)
            whole = request.operation.startswith("Transact")
            units = sum(write_units(sizes, in_transaction=whole) for sizes in pairs)
            self._note({Part.WRITES: units})
        elif request.operation in ("GetItem", "Query"):
            items = answer.get("Items", [answer.get("Item", {})])
            size = sum(map(item_size, items))
            consistent = bool(request.document.get("ConsistentRead"))
            self._note({Part.READS: read_units(size, consistent=consistent)})
        else:
            raise ValueError(f"it is not known what {request.operation} costs")


@contextmanager
def metered(aws: EmbeddedAws, plain: Mapping[str, PlainFunction] | None = None) -> Iterator[Meter]:
    """Count while the block runs; ``plain`` functions answer calls of their names, too."""
    meter = Meter(aws, plain or {})

    def answering(original: Any) -> Any:
        def answer(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
            request = _request(environ)
            if request is None:
                return original(self, environ, start_response)

            def respond() -> bytes:
                told = meter.plain(request)
                if told is None:
                    return b"".join(original(self, environ, start_response))
                start_response("200 OK", [("Content-Length", str(len(told)))])
                return told

            return [meter.answer(request, respond)]

        return answer

    with REQUEST.replaced(answering):
        yield meter


def history(states: Any, execution_arn: str) -> list[Mapping[str, Any]]:
    """All events of an execution."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def transitions(events: Sequence[Mapping[str, Any]]) -> int:
    """Each state that was entered is one, and each retry.

    https://aws.amazon.com/step-functions/pricing/
    """
    types = Counter(event["type"] for event in events)
    entered = sum(number for kind, number in types.items() if kind.endswith("StateEntered"))
    return entered + types[_TRY_OF_A_TASK] - types[_TASK]


@dataclass(frozen=True, kw_only=True)
class _Request:
    """One that may cost something."""

    caller: str
    service: str
    operation: str
    function: str
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body or b"{}")
        return parsed


def _request(environ: dict[str, Any]) -> _Request | None:
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    invocation = _INVOCATION.fullmatch(environ["PATH_INFO"])
    credential = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if credential is None or not (target or invocation):
        return None
    service = "lambda" if invocation else target.partition("_")[0].partition(".")[0].lower()
    if service == "dynamodb" and credential[1] == CREDENTIALS["AWS_ACCESS_KEY_ID"]:
        return None  # of whoever looks on
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return _Request(
        caller=credential[1],
        service=service,
        operation=target.rpartition(".")[2],
        function=invocation[1] if invocation else "",
        body=body,
    )


def _counted(request: _Request, response: bytes) -> Mapping[Part, float]:
    if request.service == "amazonsqs":
        # A receive without messages is nobody's: an idle queue is polled all the same.
        in_vain = request.operation == "ReceiveMessage" and not json.loads(response).get("Messages")
        return {Part.SQS: int(not in_vain and request.operation not in _LOOKS_AT_QUEUES)}
    if request.service == "secretsmanager":
        return {Part.SECRETS: 1}
    if request.operation == "PutLogEvents":
        events = request.document["logEvents"]
        size = sum(len(event["message"].encode()) + _LOG_EVENT_BYTES for event in events)
        return {Part.LOGS: size}
    return {}


def _written(operation: str, asked: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The table and the key of each item that a call writes."""
    if operation == "TransactWriteItems":
        for action in asked["TransactItems"]:
            [part] = action.values()
            yield part["TableName"], _key(part)
    elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield asked["TableName"], _key(asked)


def _key(write: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = write.get("Key") or write["Item"]
    return {name: found[name] for name in ("pk", "sk")}
