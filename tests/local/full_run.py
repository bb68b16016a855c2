"""A run of both flows in which every function does all that it ever does."""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from functions.completions.batches import BatchSummary
from functions.completions.vocabulary import BatchStatus
from local.demo.labels.reading import LabelSnapshot, read_label_table
from local.demo.labels.scenario import LABELS, RECEIPTS
from local.embedded import EmbeddedAws
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.sample_web import SampleWeb
from local.schedules import Schedule, start_target
from local.stack import LocalStack
from local.standins.openai import BatchPlan, Fault, FileFailure
from local.standins.openai.webhooks import post, signed

PATIENCE_SECONDS = 200
COMPANY = {
    "domain": "bruckmoor.example",
    "legalName": "Brückmoor Antriebe GmbH",
    "type": "news",
    "fallback": "What is known of the page.",
}
UNREADABLE, FAILING = "/products/gripper-data-sheet.pdf", "/notes/harbour-tender.txt"
MISSING = "/press/long-gone.txt"
MESSAGES = {
    "/press/frame-contract.txt": "news/bruckmoor.example",
    UNREADABLE: "news/bruckmoor.example",
    FAILING: "news/tenders.example",
    MISSING: "news/gone.example",
}


def do_everything(stack: LocalStack) -> None:
    """Documents, labels, the sweep, and each schedule once. ``stack`` has no schedules running."""
    aws = stack.aws
    with SampleWeb() as web:
        _send_documents(stack, web)
        _labels(stack)
        _answer(aws, "documents-sweep", {})
        _eventually(lambda: _analyses(aws) == 2 and _has_dead_letter(aws), "documents are done")
    if stack.webhook_secret is not None:
        _tell_of_a_jobs_end(stack.aws.outputs["webhookUrl"], stack.webhook_secret)
    for found in aws.deployment.of_type("aws:scheduler/schedule:Schedule"):
        client = partial(aws.client, caller=found.outputs["name"])
        start_target(client, Schedule.from_inputs(found.name, found.inputs))


def _tell_of_a_jobs_end(url: str, secret: str) -> None:
    """As OpenAI does of every job of the project's: this one is of another stack."""
    event = {"type": "batch.completed", "data": {"id": "batch_of_another_stack"}}
    body = json.dumps(event).encode()
    assert post(url, body, signed(body, secret)) == 200


def _send_documents(stack: LocalStack, web: SampleWeb) -> None:
    """One cannot be indexed, one is in a batch that fails, one has to be written, as there is no
    page, and some steps need a second try.
    """
    assert stack.standin is not None
    stack.standin.plans.add(
        BatchPlan(status="failed", when=lambda files: _is_at(FAILING, files[0].attributes))
    )
    unreadable = FileFailure(when=lambda file: _is_at(UNREADABLE, file.attributes))
    stack.standin.plans.add(BatchPlan(failures=[unreadable]))
    stack.standin.faults.add(Fault(operation="vector_stores.create", status=400))
    stack.standin.faults.add(
        Fault(operation="responses.create", status=400, when=lambda asked: "tools" in asked.body)
    )
    for path, store in MESSAGES.items():
        stack.aws.client("sqs").send_message(
            QueueUrl=stack.aws.outputs["downloadQueueUrl"],
            MessageBody=json.dumps({**COMPANY, "url": web.url(path), "vectorStore": store}),
        )


def _is_at(path: str, attributes: Mapping[str, Any]) -> bool:
    return str(attributes["url"]).endswith(path)


def _analyses(aws: EmbeddedAws) -> int:
    """Of batches: one of the two that can be searched has a document that had to be written."""
    items = aws.client("dynamodb").scan(TableName=aws.outputs["analysesTableName"])["Items"]
    return sum(item.get("status") == {"S": "DONE"} for item in items)


def _has_dead_letter(aws: EmbeddedAws) -> bool:
    waiting = "ApproximateNumberOfMessages"
    answer = aws.client("sqs").get_queue_attributes(
        QueueUrl=aws.outputs["vectorStoreBatchFlowDeadLetterQueueUrl"], AttributeNames=[waiting]
    )
    return int(answer["Attributes"][waiting]) > 0


def _labels(stack: LocalStack) -> None:
    """Batches that go to their end, with everything on the way that ``reconcile`` mends."""
    destination = Destination.of(stack)
    look = partial(read_label_table, destination.dynamodb(), destination.label_table_name)
    _import(stack, destination)
    _lose_an_answer(stack, destination, look)
    _lose_targets(stack, look)
    _eventually(lambda: _poll(stack.aws) == "SUCCEEDED" and not _pending(look()), "labels are done")
    assert _answer(stack.aws, "labels-reconcile", {})["vectors"] > 0


def _import(stack: LocalStack, destination: Destination) -> None:
    """The sample receipts, one of them without vectors of its words."""
    receipts = read_receipts(RECEIPTS)
    labels = read_labels(LABELS, receipts)
    with stack.pinecone.index() as index:
        for receipt in receipts:
            import_receipts(
                [receipt],
                [label for label in labels if label.receipt == receipt.id],
                table=destination.table(),
                index=None if receipt is receipts[0] else index,
                namespace=stack.namespace,
                clock=time.time,
            )


def _lose_an_answer(
    stack: LocalStack, destination: Destination, look: Callable[[], LabelSnapshot]
) -> None:
    """A batch gets no job, and its labels wait again when its submitter's time is up."""
    assert stack.standin is not None
    stack.standin.faults.add(Fault(operation="batches.create", drop="before"))
    stack.aws.invoke(_function(stack.aws, "labels-submit"), {})
    [lost] = [batch for batch in look().batches if batch.status is BatchStatus.SUBMITTING]
    destination.table().update(lost.key, {"lease_until": 0})
    _without(stack.aws, lost.targets_key, lambda: _refused(stack.aws, "labels-reconcile", {}))
    assert look().statuses["PENDING"] == sum(b.target_count for b in _pending(look()))


def _lose_targets(stack: LocalStack, look: Callable[[], LabelSnapshot]) -> None:
    """Objects that S3 does not have, where ``collect`` and ``apply`` look for them."""
    assert _answer(stack.aws, "labels-submit", {})["batches"]
    batch = _pending(look())[0]
    event = {"batchId": batch.batch_id, "openaiBatchId": batch.openai_batch_id}
    _refused(stack.aws, "labels-apply", {"batchId": batch.batch_id, "chunk": "99999"})

    def fails_for_want_of_targets() -> bool:
        """Before that, its job has not ended."""
        error = _refused(stack.aws, "labels-collect", event)
        return bool(error["errorType"] == "InvalidItemError")

    _without(
        stack.aws,
        batch.targets_key,
        lambda: _eventually(fails_for_want_of_targets, "collect misses the targets"),
    )


def _pending(seen: LabelSnapshot) -> list[BatchSummary]:
    return [batch for batch in seen.batches if batch.status is BatchStatus.PENDING]


def _without(aws: EmbeddedAws, key: str, act: Callable[[], Any]) -> None:
    """Act while the bucket does not have this object."""
    s3, bucket = aws.client("s3"), aws.outputs["batchBucketName"]
    kept = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)
    act()
    s3.put_object(Bucket=bucket, Key=key, Body=kept)


def _function(aws: EmbeddedAws, name: str) -> str:
    [found] = [
        f
        for f in aws.deployment.of_type("aws:lambda/function:Function")
        if f.name == f"{name}-function"
    ]
    return found.id


def _answer(aws: EmbeddedAws, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
    answer = aws.invoke(_function(aws, function), event)
    assert not answer.failed, answer.payload
    return dict(answer.payload)


def _refused(aws: EmbeddedAws, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
    answer = aws.invoke(_function(aws, function), event)
    assert answer.failed, answer.payload
    return dict(answer.payload)


def _poll(aws: EmbeddedAws) -> str:
    """How an execution of the poll flow ended."""
    client = aws.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=aws.outputs["completionPollFlowArn"])[
        "executionArn"
    ]
    _eventually(
        lambda: bool(client.describe_execution(executionArn=arn)["status"] != "RUNNING"),
        "the execution has ended",
    )
    return str(client.describe_execution(executionArn=arn)["status"])


def _eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not yet: {what}"
        time.sleep(0.1)
