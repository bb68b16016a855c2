"""The documents' way: queues, file batches that are polled, and requests under way."""

import time
from collections.abc import Iterator
from itertools import islice

from functions.errors import InvalidMessageError
from functions.messages import FileBatchRef
from ops.executions import RUNNING, Execution, Executions
from ops.letters.queues import QueueCounts, queue_counts
from ops.parts import Part
from ops.stack import Stack
from ops.status.ledger import LedgerPart, look_at_ledger
from ops.status.poll_window import poll_window
from ops.status.problems import Problem
from ops.words import age

# Of the ledger, for each that --limit asks for: most of its items are of documents long done.
_ITEMS_A_REQUEST = 10


class PolledBatch(Part):
    """A file batch that an execution waits for. Empty where its input does not say."""

    execution: str
    batch_id: str
    vector_store: str
    domain: str
    age_seconds: int
    overdue: bool
    """Whether the execution is older than all its checks could take."""


class DocumentsPart(Part):
    """What is in flight of the documents."""

    download_queue: QueueCounts
    market_analysis_queue: QueueCounts
    polled: list[PolledBatch]
    more_polled: bool
    """Whether there are more, beyond the limit."""
    poll_window_seconds: float | None
    ledger: LedgerPart


def look_at_documents(stack: Stack, *, most: int) -> DocumentsPart:
    """The documents' way as it is now. Errors: botocore's, AwsUnavailableError."""
    outputs, sqs, states = stack.outputs, stack.client("sqs"), stack.client("stepfunctions")
    machine = outputs.vector_store_batch_flow_arn
    window = poll_window(states.describe_state_machine(stateMachineArn=machine)["definition"])
    running = Executions(states, machine).newest(most + 1, status=RUNNING)
    polled = [_polled(execution, window) for execution in islice(running, most)]
    return DocumentsPart(
        download_queue=queue_counts(sqs, outputs.download_queue_url),
        market_analysis_queue=queue_counts(sqs, outputs.market_analysis_queue_url),
        polled=polled,
        more_polled=next(running, None) is not None,
        poll_window_seconds=window,
        ledger=look_at_ledger(
            stack.client("dynamodb"),
            outputs.ingest_ledger_table_name,
            most=most * _ITEMS_A_REQUEST,
        ),
    )


def document_problems(documents: DocumentsPart, stack: Stack) -> Iterator[Problem]:
    """Executions that should have ended."""
    machine = stack.outputs.vector_store_batch_flow_arn.replace(":stateMachine:", ":execution:")
    for batch in documents.polled:
        if batch.overdue:
            yield Problem(
                flow="documents",
                what=f"{batch.execution} has polled for {age(batch.age_seconds)}, longer than all "
                "its checks should take",
                next="aws stepfunctions get-execution-history --reverse-order --max-items 5 "
                f"--execution-arn {machine}:{batch.execution}",
            )


def _polled(execution: Execution, window: float | None) -> PolledBatch:
    try:
        ref = FileBatchRef.parse_json(execution.input)
    except InvalidMessageError:
        ref = None
    seconds = time.time() - execution.started_at
    return PolledBatch(
        execution=execution.name,
        batch_id=ref.batch_id if ref else "",
        vector_store=ref.vector_store_name if ref else "",
        domain=ref.context.domain if ref else "",
        age_seconds=int(seconds),
        overdue=window is not None and seconds > window,
    )
