"""The label-completion flow, deployed with real receipts in its table, to be run for real."""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from functions.completions.identifiers import LabelId, ReceiptId, WordId
from functions.completions.vocabulary import Outcome, ValidationStatus
from local.demo.labels.accounts import label_complaints
from local.demo.labels.reading import LabelSnapshot, batches_under_way, read_label_table
from local.demo.labels.rounds import Rounds
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.stack import LocalStack, running
from local.standins.openai import Truth

RECEIPTS = Path(__file__).parents[3] / "shared" / "receipts"
PATIENCE_SECONDS = 500
CONFIG = {"completionSchedulesEnabled": "false", "pineconeUpdatesPerSecond": "2000"}

NEEDS_RECEIPTS = [
    pytest.mark.embedded,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not RECEIPTS.is_dir(), reason="the receipts are not beside the project"),
]


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The real program, deployed, with receipts in its table."""

    stack: LocalStack
    destination: Destination
    truth: Mapping[LabelId, Mapping[str, Any]]
    """The lines of the file of labels."""
    told: list[str] = field(default_factory=list)

    @property
    def receipts(self) -> list[ReceiptId]:
        """In the order of the file."""
        return list(dict.fromkeys(label.receipt for label in self.truth))

    def look(self) -> LabelSnapshot:
        return read_label_table(self.destination.dynamodb(), self.destination.label_table_name)

    def under_way(self) -> int:
        return batches_under_way(self.destination.dynamodb(), self.destination.label_table_name)

    def items(self) -> list[str]:
        """The whole table as texts, to be compared."""
        pages = (
            self.destination.dynamodb()
            .get_paginator("scan")
            .paginate(TableName=self.destination.label_table_name, ConsistentRead=True)
        )
        return sorted(
            json.dumps(item, sort_keys=True, default=str)
            for page in pages
            for item in page["Items"]
        )

    def vectors(self) -> dict[WordId, Mapping[str, Any]]:
        assert self.stack.vectors is not None
        found = self.stack.vectors.vectors(self.destination.pinecone_namespace)
        return {
            label.word: found[label.word.vector_id].metadata or {}
            for label in self.truth
            if label.word.vector_id in found
        }

    def updates(self) -> int:
        """How often a vector was written to after it was made."""
        assert self.stack.vectors is not None
        return self.stack.vectors.calls.count("update")

    def jobs(self) -> int:
        assert self.stack.standin is not None
        return self.stack.standin.calls.count("batches.create")

    def rounds(self) -> Rounds:
        return Rounds(
            aws=self.stack.aws,
            look=self.look,
            under_way=self.under_way,
            tell=self.told.append,
            deadline=time.monotonic() + PATIENCE_SECONDS,
        )

    def submit(self) -> dict[str, Any]:
        name = self.stack.aws.outputs["submitCompletionBatchFunctionName"]
        answer = self.stack.aws.invoke(name, {})
        assert not answer.failed, answer.payload
        return dict(answer.payload)

    def poll(self, **execution_input: str) -> dict[str, Any]:
        """Run the poll flow to its end."""
        return self.ended(self.start_poll(**execution_input))

    def start_poll(self, **execution_input: str) -> str:
        return str(
            self.stack.aws.client("stepfunctions").start_execution(
                stateMachineArn=self.stack.aws.outputs["completionPollFlowArn"],
                input=json.dumps(execution_input),
            )["executionArn"]
        )

    def ended(self, arn: str) -> dict[str, Any]:
        states = self.stack.aws.client("stepfunctions")
        return dict(
            eventually(
                lambda: (
                    found
                    if (found := states.describe_execution(executionArn=arn))["status"] != "RUNNING"
                    else None
                )
            )
        )


def eventually(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


@contextmanager
def deployed(*, receipts: int = 200, **config: str) -> Iterator[Flow]:
    """The program, up, with the first so many receipts imported."""
    wanted = read_receipts(RECEIPTS / "receipts.jsonl")[:receipts]
    ids = {receipt.id for receipt in wanted}
    rows = map(json.loads, (RECEIPTS / "labels.jsonl").read_text().splitlines())
    truth = {label: row for row in rows if (label := label_of(row)).receipt in ids}
    with (
        tempfile.NamedTemporaryFile("w", suffix=".jsonl") as chosen,
        running(config={**CONFIG, **config}) as stack,
    ):
        chosen.writelines(f"{json.dumps(row)}\n" for row in truth.values())
        chosen.flush()
        assert stack.standin is not None
        stack.standin.truth = Truth.load(Path(chosen.name))
        destination = Destination.of(stack)
        with stack.pinecone.index() as index:
            imported = import_receipts(
                wanted,
                read_labels(Path(chosen.name), wanted),
                table=destination.table(),
                index=index,
                namespace=stack.namespace,
                clock=time.time,
            )
        assert imported.new_labels == len(truth)
        yield Flow(stack=stack, destination=destination, truth=truth)


def label_of(row: Mapping[str, Any]) -> LabelId:
    places = {name: row[name] for name in ("image_id", "receipt_id", "line_id", "word_id")}
    return LabelId(**places, label=row["proposed_label"])


def verdicts(truth: Mapping[LabelId, Mapping[str, Any]]) -> dict[LabelId, ValidationStatus]:
    """Where every label ends, corrections among them, when all of them have been asked about."""
    ends = {}
    for label, row in truth.items():
        ends[label] = ValidationStatus.VALID if row["is_valid"] else ValidationStatus.INVALID
        if row["correct_label"]:
            ends[label.of_same_word(row["correct_label"])] = ValidationStatus.VALID
    return ends


def statuses(snapshot: LabelSnapshot) -> dict[LabelId, ValidationStatus]:
    return {label: found.validation_status for label, found in snapshot.labels.items()}


def corrections(flow: Flow, snapshot: LabelSnapshot) -> None:
    """Every correction is there once, and says what it came from."""
    wanted = {
        label.of_same_word(row["correct_label"]): label.label
        for label, row in flow.truth.items()
        if row["correct_label"]
    }
    found = {
        label.id: label.label_consolidated_from
        for label in snapshot.labels.values()
        if label.label_proposed_by == "COMPLETION_BATCH"
    }
    assert found == wanted


def at_rest(flow: Flow, snapshot: LabelSnapshot) -> None:
    """Everything ended as the truth says, was audited, and shows in Pinecone."""
    assert statuses(snapshot) == verdicts(flow.truth)
    corrections(flow, snapshot)
    assert list(label_complaints(snapshot, flow.vectors())) == []
    for batch in snapshot.batches:
        mine = Counter(r.outcome for r in snapshot.results if r.batch_id == batch.batch_id)
        assert mine == Counter({Outcome(name): n for name, n in batch.outcomes.items() if n})


def a_second_run_changes_nothing(flow: Flow) -> None:
    """Neither items nor vectors, and no job is made."""
    before = flow.items(), flow.updates(), flow.jobs()
    assert flow.submit()["batches"] == []
    assert flow.poll()["status"] == "SUCCEEDED"
    assert (flow.items(), flow.updates(), flow.jobs()) == before
