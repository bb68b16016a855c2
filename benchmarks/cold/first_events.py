"""An event for each function of a stack that is up, which it can answer again and again."""

import json
import time
from dataclasses import dataclass
from typing import Any

from local.demo.labels.reading import batches_under_way, read_label_table
from local.demo.labels.rounds import Rounds
from local.demo.labels.scenario import LABELS, RECEIPTS
from local.function_environment import FunctionSpec
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.stack import LOCAL_WEBHOOK_SECRET, LocalStack
from local.standins.openai.webhooks import signed

# Nothing runs by itself meanwhile.
CONFIG = {"completionSchedulesEnabled": "false"}
_LOOK_SECONDS = 0.05
_MOST_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class FirstEvent:
    """What a function is called with, and what it has to answer, however often it is."""

    function: FunctionSpec
    event: Any
    answer: Any


def first_events(stack: LocalStack) -> dict[str, FirstEvent]:
    """One for each function, by what it is called here.

    All the work is done before: a file batch has been indexed, and labels have been judged. So each
    event is answered by looking, and leaves everything as it is.
    """
    functions = _Functions(stack)
    batch = {"batchId": _judged_labels(stack)}
    collected = functions.call("collect", batch)
    events = {
        "ingest": {"Records": []},
        "check": _indexed_file_batch(stack),
        "market_analysis": {"Records": []},
        "sweep": {},
        "submit": {},
        "list_pending": {},
        "collect": batch,
        "apply": _first_chunk(stack, collected),
        "finish": batch,
        "project": {},
        "reconcile": {},
        "webhook": _webhook(),
    }
    functions.call("webhook", events["webhook"])
    _wait_for_the_webhooks_run(stack)
    return {
        name: FirstEvent(
            function=functions.by_name[name], event=event, answer=functions.call(name, event)
        )
        for name, event in events.items()
    }


class _Functions:
    """The functions of a stack, by names such as ``check`` and ``list_pending``."""

    def __init__(self, stack: LocalStack) -> None:
        self._aws = stack.aws
        listed = self._aws.client("lambda").list_functions()["Functions"]
        self.by_name = {_called(each["Handler"]): _spec(each, self._aws.region) for each in listed}

    def call(self, name: str, event: Any) -> Any:
        """What it answers, from a process that stays; RuntimeError if that is an error."""
        answer = self._aws.invoke(self.by_name[name].name, event)
        if answer.failed:
            raise RuntimeError(f"{name}: {answer.payload}\n{answer.log}")
        return answer.payload


def _called(handler: str) -> str:
    module = handler.removesuffix(".handler").removesuffix(".handler").rpartition(".")[2]
    return {"vector_store_batch": "check", "webhooks": "webhook"}.get(module, module)


def _spec(found: Any, region: str) -> FunctionSpec:
    return FunctionSpec(
        name=found["FunctionName"],
        arn=found["FunctionArn"],
        handler=found["Handler"],
        runtime=found["Runtime"],
        region=region,
        log_group=f"/aws/lambda/{found['FunctionName']}",
        timeout=found["Timeout"],
        memory=found["MemorySize"],
        environment=found["Environment"]["Variables"],
    )


def _judged_labels(stack: LocalStack) -> str:
    """A batch that has come to its end, when no label waits for a verdict any more."""
    destination = Destination.of(stack)
    dynamodb, table = destination.dynamodb(), destination.table()
    receipts = read_receipts(RECEIPTS)
    with stack.pinecone.index() as index:
        import_receipts(
            receipts,
            read_labels(LABELS, receipts),
            table=table,
            index=index,
            namespace=stack.namespace,
            clock=time.time,
        )
    rounds = Rounds(
        aws=stack.aws,
        look=lambda: read_label_table(dynamodb, table.name),
        under_way=lambda: batches_under_way(dynamodb, table.name),
        tell=lambda _: None,
        deadline=time.monotonic() + _MOST_SECONDS,
    )
    rounds.run()
    return rounds.done[0].batch_ids[0]


def _first_chunk(stack: LocalStack, collected: Any) -> Any:
    listed = stack.aws.client("s3").get_object(
        Bucket=collected["bucket"], Key=collected["chunksKey"]
    )
    return json.load(listed["Body"])[0]


def _indexed_file_batch(stack: LocalStack) -> dict[str, Any]:
    """The event of a file batch that has completed."""
    with stack.openai_client() as openai:
        store = openai.vector_stores.create(name="news")
        file = openai.files.create(file=("news.md", b"# News"), purpose="assistants")
        batch = openai.vector_stores.file_batches.create(store.id, file_ids=[file.id])
        openai.vector_stores.file_batches.poll(
            batch.id, vector_store_id=store.id, poll_interval_ms=int(_LOOK_SECONDS * 1000)
        )
    context = {"domain": "example.com", "type": "news"}
    return {
        "vectorStoreId": store.id,
        "vectorStoreName": "news",
        "batchId": batch.id,
        "context": context,
    }


def _webhook() -> dict[str, Any]:
    body = json.dumps({"type": "batch.completed", "data": {"id": "batch_of_others"}})
    return {
        "headers": signed(body.encode(), LOCAL_WEBHOOK_SECRET),
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
    }


def _wait_for_the_webhooks_run(stack: LocalStack) -> None:
    machine = stack.aws.outputs["completionPollFlowArn"]
    deadline = time.monotonic() + _MOST_SECONDS
    states = stack.aws.client("stepfunctions")
    while states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        if time.monotonic() > deadline:
            raise RuntimeError("what the webhook started did not end")
        time.sleep(_LOOK_SECONDS)
