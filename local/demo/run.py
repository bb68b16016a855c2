"""Runs the demo on a stack that is up."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from local.demo.labels.run import run_labels
from local.demo.labels.summary import print_labels
from local.demo.observe import Observer
from local.demo.outcomes import (
    DocumentState,
    SentMessage,
    complaints,
    document_states,
    unfinished,
)
from local.demo.progress import View, progress
from local.demo.report import report
from local.demo.scenario import Outcome, PlannedMessage, prepare, scenario
from local.demo.snapshot import Snapshot
from local.demo.summary import print_summary, print_verdict
from local.sample_web import SampleWeb
from local.stack import LocalStack

_LOOK_SECONDS = 0.4
_MESSAGES_A_CALL = 10


def run_demo(
    stack: LocalStack,
    console: Console,
    *,
    deadline_seconds: float,
    report_file: Path | None,
    started: float,
) -> bool:
    """Run both flows and tell of them; whether all was as it should be.

    ``deadline_seconds`` is for each of them; ``started`` is the monotonic time from which the
    report counts its seconds.
    """
    console.rule("Documents", align="left")
    with SampleWeb() as web, stack.openai_client() as openai:
        if stack.standin:
            prepare(stack.standin)
        sent = send(stack, scenario(web, standin=stack.standin is not None))
        observer = Observer(stack.aws.client, stack.aws.outputs, openai)
        view = watch(
            observer.look,
            sent,
            console,
            base_url=web.base_url,
            deadline_seconds=deadline_seconds,
        )
    problems = [
        *(f"unfinished: {line}" for line in unfinished(sent, view.snapshot)),
        *complaints(sent, view.snapshot),
    ]
    print_summary(console, view)
    console.print()
    console.rule("Labels", align="left")
    labels = run_labels(stack, console, deadline_seconds=deadline_seconds)
    print_labels(console, labels.report)
    print_verdict(console, problems := [*problems, *labels.problems])
    if stack.standin is None:
        stores = sorted({state.vector_store_id for state in view.states} - {""})
        console.print(f"The files stay at {openai.base_url}, in {', '.join(stores)}.")
    if report_file:
        seconds = time.monotonic() - started
        documents = report(sent, view.snapshot, problems=problems, seconds=seconds)
        result = {**documents, **labels.report}
        report_file.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return not problems


def send(stack: LocalStack, messages: Sequence[PlannedMessage]) -> list[SentMessage]:
    """Send every copy of each message to the download queue."""
    copies = [(index, m.body) for index, m in enumerate(messages) for _ in range(m.copies)]
    ids: list[list[str]] = [[] for _ in messages]
    for start in range(0, len(copies), _MESSAGES_A_CALL):
        chunk = copies[start : start + _MESSAGES_A_CALL]
        answer = stack.aws.client("sqs").send_message_batch(
            QueueUrl=stack.aws.outputs["downloadQueueUrl"],
            Entries=[{"Id": str(n), "MessageBody": body} for n, (_, body) in enumerate(chunk)],
        )
        if answer.get("Failed"):
            raise RuntimeError(f"the download queue refused messages: {answer['Failed']}")
        for entry in answer["Successful"]:
            ids[chunk[int(entry["Id"])][0]].append(entry["MessageId"])
    return [
        SentMessage(planned=planned, message_ids=tuple(found))
        for planned, found in zip(messages, ids, strict=True)
    ]


def watch(
    look: Callable[[], Snapshot],
    sent: Sequence[SentMessage],
    console: Console,
    *,
    base_url: str,
    deadline_seconds: float,
) -> View:
    """Look until nothing is unfinished, or the deadline has come; the last view."""
    started = time.monotonic()

    def view() -> View:
        snapshot = look()
        return View(
            seconds=time.monotonic() - started,
            base_url=base_url,
            states=sorted(document_states(sent, snapshot), key=_by_outcome),
            snapshot=snapshot,
        )

    with progress(console) as show:
        while True:
            seen = view()
            show(seen)
            if seen.seconds > deadline_seconds:
                return seen
            if not unfinished(sent, seen.snapshot):
                # Once more: a look takes a moment, and what it read first may be older than what
                # it read last.
                return view()
            time.sleep(_LOOK_SECONDS)


def _by_outcome(state: DocumentState) -> int:
    return list(Outcome).index(state.planned.outcome)
