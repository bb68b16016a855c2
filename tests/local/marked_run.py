"""Both flows with keys that are told from everything else, and what can happen to a key."""

import base64
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.demo.labels.reading import LabelSnapshot, read_label_table
from local.demo.labels.scenario import CONFIG, LABELS
from local.demo.labels.scenario import RECEIPTS as SAMPLE_RECEIPTS
from local.demo.run import send
from local.demo.scenario import prepare, scenario
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.sample_web import SampleWeb
from local.stack import OpenAIServer, PineconeServer, running
from local.standins.openai import Fault, OpenAIStandIn
from local.standins.pinecone import PineconeStandIn
from tests.local.marked_keys import MarkedKeys
from tests.local.marked_webhooks import be_told
from tests.local.written_places import Registered, Run, Traffic

PATIENCE_SECONDS = 200
# Of one mark, again and again, so that there is little to look for in megabytes.
MARK = f"{secrets.token_hex(2)}+Q"
OPENAI, NEW_OPENAI = f"sk-proj-{MARK * 5}", f"sk-proj-{MARK * 6}"
PINECONE, NEW_PINECONE = f"pcsk_{MARK * 5}", f"pcsk_{MARK * 6}"
WEBHOOK, NEW_WEBHOOK = (
    f"whsec_{base64.b64encode((MARK * times).encode()).decode()}" for times in (5, 6)
)
KEYS = MarkedKeys(OPENAI, NEW_OPENAI, PINECONE, NEW_PINECONE, WEBHOOK, NEW_WEBHOOK)
# What the functions ask of OpenAI and of Pinecone in the course of both flows.
OPENAI_CALLS = (
    "files.create",
    "vector_stores.create",
    "vector_stores.file_batches.create",
    "vector_stores.file_batches.retrieve",
    "responses.create",
    "batches.retrieve",
    "files.content",
)
PINECONE_CALLS = ("fetch", "update")
# A refusal shows the key.
TROUBLES: Sequence[Mapping[str, Any]] = (
    {"status": 401},
    {"status": 500},
    {"drop": "before"},
    {"status": 429, "retry_after": 0},
    {"malformed": True},
)


@contextmanager
def marked_run() -> Iterator[Run]:
    """Both flows, with everything that can go wrong with a key and much else."""
    with ExitStack() as up:
        scratch = Path(up.enter_context(tempfile.TemporaryDirectory()))
        monkeypatch = up.enter_context(pytest.MonkeyPatch.context())
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        traffic, registered = Traffic(), Registered()
        up.enter_context(traffic.noted())
        up.enter_context(registered.noted())
        openai = up.enter_context(OpenAIStandIn(api_keys=[OPENAI]))
        pinecone = up.enter_context(PineconeStandIn(api_keys=[PINECONE]))
        stack = up.enter_context(
            running(
                config=CONFIG,
                openai=OpenAIServer(base_url=openai.base_url, key=OPENAI),
                pinecone=PineconeServer(host=pinecone.host, key=PINECONE),
                webhook_secret=WEBHOOK,
            )
        )
        run = Run(
            stack=stack,
            openai=openai,
            pinecone=pinecone,
            scratch=scratch,
            traffic=traffic,
            registered=registered,
        )
        web = up.enter_context(SampleWeb())
        _import(run, slice(None, -1))
        _go_wrong(run, web)
        _rotate(run, web)
        _be_refused(run, web)
        _be_told(run)
        yield run


def _import(run: Run, which: slice, *, key: str = PINECONE) -> None:
    every = read_receipts(SAMPLE_RECEIPTS)
    receipts = every[which]
    ids = {receipt.id for receipt in receipts}
    labels = [label for label in read_labels(LABELS, every) if label.receipt in ids]
    destination = Destination.of(run.stack)
    with PineconeServer(host=run.pinecone.host, key=key).index() as index:
        import_receipts(
            receipts,
            labels,
            table=destination.table(),
            index=index,
            namespace=run.stack.namespace,
            clock=time.time,
        )


def _go_wrong(run: Run, web: SampleWeb) -> None:
    """Every call is refused with the key in the message, throttled, dropped, cut off."""
    for standin, operations, key in (
        (run.openai, OPENAI_CALLS, OPENAI),
        (run.pinecone, PINECONE_CALLS, PINECONE),
    ):
        for operation in operations:
            for trouble in TROUBLES:
                _fault(standin, operation, key, **trouble)
    _fault(run.openai, "batches.create", OPENAI, **TROUBLES[0])
    prepare(run.openai)
    send(run.stack, scenario(web, standin=True))
    for _ in range(6):
        _submit(run)
        _poll(run)
    _quiet(run)


def _fault(
    standin: OpenAIStandIn | PineconeStandIn, operation: str, key: str, **trouble: Any
) -> None:
    if trouble.get("status") == 401:
        trouble["message"] = f"Incorrect API key provided: {key}."
    standin.faults.add(Fault(operation=operation, **trouble))


def _rotate(run: Run, web: SampleWeb) -> None:
    """Both keys are replaced, Pinecone's at first by one that no header can carry."""
    _set_key(run, "openai", NEW_OPENAI)
    _set_key(run, "pinecone", f"{NEW_PINECONE}\nand more")
    accept(run.openai, NEW_OPENAI)
    accept(run.pinecone, NEW_PINECONE)
    _send(run, web, "/press/third-quarter.txt")
    _submit(run)
    for _ in range(4):
        _poll(run)
    _set_key(run, "pinecone", NEW_PINECONE)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (seen := labels_of(run)).statuses["NONE"] or seen.under_way:
        assert time.monotonic() < deadline, seen.statuses
        _submit(run)
        _poll(run)
    _quiet(run)


def _be_refused(run: Run, web: SampleWeb) -> None:
    """OpenAI takes no key any more, and then the key is one that no header can carry."""
    _import(run, slice(-1, None), key=NEW_PINECONE)
    for trouble in TROUBLES:
        _fault(run.openai, "batches.create", NEW_OPENAI, **trouble)
    _submit(run)
    accept(run.openai)
    _send(run, web, "/notes/harbour-tender.txt")
    _quiet(run)
    _set_key(run, "openai", f"{NEW_OPENAI}\nand more")
    _send(run, web, "/blog/torque-sensors.md")
    _quiet(run)
    _reconcile(run)


def _be_told(run: Run) -> None:
    """OpenAI's webhooks come, and others; for a while the key is where the secret belongs."""
    be_told(
        run,
        old=WEBHOOK,
        new=NEW_WEBHOOK,
        none=OPENAI,
        replace=lambda secret: _set_key(run, "webhook", secret),
    )


def _set_key(run: Run, service: str, key: str) -> None:
    [arn] = [
        secret["ARN"]
        for secret in run.client("secretsmanager").list_secrets()["SecretList"]
        if secret["Name"].startswith(f"{service}-")
    ]
    run.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=key)


def accept(standin: OpenAIStandIn | PineconeStandIn, *keys: str) -> None:
    """It takes these keys alone from now on."""
    assert standin.api_keys is not None
    standin.api_keys.clear()
    standin.api_keys.update(keys)


def _send(run: Run, web: SampleWeb, path: str) -> None:
    message = {
        "domain": "marked.example",
        "url": web.url(path),
        "fallback": "Nothing is known.",
        "type": "news",
        "vectorStore": "news/marked.example",
    }
    run.client("sqs").send_message(
        QueueUrl=run.stack.aws.outputs["downloadQueueUrl"], MessageBody=json.dumps(message)
    )


def _submit(run: Run) -> None:
    run.stack.aws.invoke(run.stack.aws.outputs["submitCompletionBatchFunctionName"], {})


def _reconcile(run: Run) -> None:
    run.stack.aws.invoke(run.stack.aws.outputs["completionReconcileFunctionName"], {})


def _poll(run: Run) -> None:
    states = run.client("stepfunctions")
    arn = states.start_execution(
        stateMachineArn=run.stack.aws.outputs["completionPollFlowArn"], input="{}"
    )["executionArn"]
    _eventually(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")


def labels_of(run: Run) -> LabelSnapshot:
    """The label table."""
    destination = Destination.of(run.stack)
    return read_label_table(destination.dynamodb(), destination.label_table_name)


def _quiet(run: Run) -> None:
    """Wait until no document is on its way, asked downstream."""
    _eventually(
        lambda: (
            waiting(run, "downloadQueueUrl") == 0
            and not run.client("stepfunctions").list_executions(
                stateMachineArn=run.stack.aws.outputs["vectorStoreBatchFlowArn"],
                statusFilter="RUNNING",
            )["executions"]
            and waiting(run, "marketAnalysisQueueUrl") == 0
        )
    )


def waiting(run: Run, queue: str) -> int:
    """How many messages are in the queue of that output, visible or not."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    answer = run.client("sqs").get_queue_attributes(
        QueueUrl=run.stack.aws.outputs[queue], AttributeNames=names
    )
    return sum(int(number) for number in answer["Attributes"].values())


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
