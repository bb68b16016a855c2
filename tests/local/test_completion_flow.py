"""The label-completion flow run for real: receipts in, verdicts out, whatever happens between."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import LabelId, ReceiptId, WordId
from functions.completions.vocabulary import BatchStatus, Outcome, ValidationStatus
from local.demo.labels.accounts import label_complaints
from local.demo.labels.reading import LabelSnapshot, read_label_table
from local.demo.labels.rounds import Rounds
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.stack import LocalStack, running
from local.standins.openai import (
    AnswerPlan,
    JobPlan,
    LinePlan,
    Truth,
    half,
    left_out,
    twice,
)

RECEIPTS = Path(__file__).parents[3] / "shared" / "receipts"
PATIENCE_SECONDS = 500
CONFIG = {"completionSchedulesEnabled": "false", "pineconeUpdatesPerSecond": "2000"}

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not RECEIPTS.is_dir(), reason="the receipts are not beside the project"),
]

Results = list[dict[str, Any]]


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


Deploy = Callable[..., AbstractContextManager[Flow]]


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    """``deploy(receipts=n, **config)``: the program, up, with the first n receipts imported."""

    @contextmanager
    def up(*, receipts: int = 200, **config: str) -> Iterator[Flow]:
        wanted = read_receipts(RECEIPTS / "receipts.jsonl")[:receipts]
        ids = {receipt.id for receipt in wanted}
        rows = map(json.loads, (RECEIPTS / "labels.jsonl").read_text().splitlines())
        truth = {label: row for row in rows if (label := label_of(row)).receipt in ids}
        chosen = tmp_path / "labels.jsonl"
        chosen.write_text("".join(f"{json.dumps(row)}\n" for row in truth.values()))
        with running(config={**CONFIG, **config}) as stack:
            assert stack.standin is not None
            stack.standin.truth = Truth.load(chosen)
            destination = Destination.of(stack)
            with stack.pinecone.index() as index:
                imported = import_receipts(
                    wanted,
                    read_labels(chosen, wanted),
                    table=destination.table(),
                    index=index,
                    namespace=stack.namespace,
                    clock=time.time,
                )
            assert imported.new_labels == len(truth)
            yield Flow(stack=stack, destination=destination, truth=truth)

    return up


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


def test_all_receipts_end_as_the_truth_says_and_a_second_run_changes_nothing(
    deploy: Deploy,
) -> None:
    with deploy() as flow:
        flow.rounds().run()

        snapshot = flow.look()
        at_rest(flow, snapshot)
        assert len(flow.truth) == 5479
        asked = Counter(result.id for result in snapshot.results)
        assert set(asked) == set(snapshot.labels)
        assert set(asked.values()) == {1}

        before = flow.items(), flow.updates(), flow.jobs()
        assert flow.submit()["batches"] == []
        assert flow.poll()["status"] == "SUCCEEDED"
        assert (flow.items(), flow.updates(), flow.jobs()) == before


def spoils(other: ReceiptId) -> Sequence[LinePlan]:
    """Every way in which a line can be of no use."""

    def answering(**plan: Any) -> LinePlan:
        return LinePlan(answer=AnswerPlan(**plan))

    def each(change: Callable[[dict[str, Any]], dict[str, Any]]) -> LinePlan:
        return answering(results=lambda results: [change(result) for result in results])

    return (
        LinePlan(status=500),
        LinePlan(status=429),
        LinePlan(status=400),
        LinePlan(error="batch_expired"),
        LinePlan(error="server_error"),
        LinePlan(written=half),
        LinePlan(written=left_out),
        LinePlan(custom_id="IMAGE#garbled"),
        LinePlan(custom_id=other.custom_id.replace(other.image_id[:8], "00000000")),
        LinePlan(custom_id=other.custom_id),
        answering(shape="refusal"),
        answering(shape="incomplete"),
        answering(shape="empty"),
        answering(text="They all look right to me."),
        answering(results=lambda _: "none"),
        answering(results=lambda _: []),
        answering(results=lambda results: [*map(contradicted, results), *results]),
        each(lambda result: {**result, "is_valid": str(result["is_valid"]).lower()}),
        each(lambda result: {**result, "id": result["id"].replace("#WORD#", "#WORD#9")}),
        each(lambda result: {**result, "is_valid": False, "correct_label": "BARCODE"}),
    )


def contradicted(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "is_valid": not result["is_valid"], "correct_label": None}


def test_spoiled_lines_leave_nothing_pending_and_are_asked_again(deploy: Deploy) -> None:
    with deploy() as flow:
        assert flow.stack.standin is not None
        receipts = flow.receipts
        plans = spoils(other=receipts[1])
        spoiled = receipts[5 :: len(receipts) // len(plans)][: len(plans)]
        for receipt, plan in zip(spoiled, plans, strict=True):
            flow.stack.standin.line_plans.add(_for(receipt, plan))
        # An answer that comes twice is an answer all the same.
        flow.stack.standin.line_plans.add(_for(receipts[2], LinePlan(written=twice)))

        flow.submit()
        eventually(lambda: flow.poll()["status"] == "SUCCEEDED" and not flow.look().under_way)

        snapshot = flow.look()
        asked_again = {label.id for label in snapshot.labels.values() if _was_asked_in_vain(label)}
        in_vain = {label for label in flow.truth if label.receipt in set(spoiled)}
        # Of two lines for one receipt the first counts, and a spoiled one has this receipt's name.
        claimed_twice = {label for label in flow.truth if label.receipt == receipts[1]}
        assert in_vain <= asked_again <= in_vain | claimed_twice
        [batch] = snapshot.batches
        assert batch.outcomes[Outcome.UNANSWERED] == len(asked_again)
        assert sum(batch.outcomes.values()) == batch.target_count == len(flow.truth)
        assert batch.lines_without_answer == 5

        flow.rounds().run()
        at_rest(flow, flow.look())


def _for(receipt: ReceiptId, plan: LinePlan) -> LinePlan:
    """The plan for one line of this receipt."""
    wanted = receipt.custom_id
    return LinePlan(
        **{**vars(plan), "times": 1, "when": lambda custom_id: bool(custom_id == wanted)}
    )


def _was_asked_in_vain(label: ReceiptWordLabel) -> bool:
    return label.validation_status == ValidationStatus.NONE and label.attempts == 1


def test_two_pollers_at_once_do_what_one_does(deploy: Deploy) -> None:
    with deploy(receipts=40, completionBatchMaxRequests="4") as flow:
        assert len(flow.submit()["batches"]) == 10

        while flow.look().under_way:
            both = [flow.start_poll(), flow.start_poll()]
            assert [flow.ended(arn)["status"] for arn in both] == ["SUCCEEDED", "SUCCEEDED"]

        snapshot = flow.look()
        assert len(snapshot.results) == len(flow.truth)
        corrections(flow, snapshot)
        assert Counter(batch.status for batch in snapshot.batches) == {BatchStatus.COMPLETED: 10}
        flow.rounds().run()
        at_rest(flow, flow.look())


def test_every_end_of_a_job_is_made_good(deploy: Deploy) -> None:
    with deploy(receipts=12, completionBatchMaxRequests="2") as flow:
        assert flow.stack.standin is not None
        for plan in (
            JobPlan(status="expired", answered=0.5, times=1),
            JobPlan(status="cancelled", answered=0.5, times=1),
            JobPlan(status="failed", times=1),
            JobPlan(odd_statuses=["pondering", "pondering"], times=1),
            JobPlan(unseen=1, times=1),
            JobPlan(times=1),
        ):
            flow.stack.standin.job_plans.add(plan)

        flow.rounds().run()

        snapshot = flow.look()
        at_rest(flow, snapshot)
        ends = [batch.status for batch in snapshot.batches][:6]
        assert ends == ["EXPIRED", "CANCELLED", "FAILED", "COMPLETED", "COMPLETED", "COMPLETED"]


def test_one_job_is_polled_by_its_id_and_no_other(deploy: Deploy) -> None:
    with deploy(receipts=4, completionBatchMaxRequests="2") as flow:
        first, second = flow.submit()["batches"]

        eventually(
            lambda: (
                flow.poll(openaiBatchId=second["openaiBatchId"])
                and BatchStatus.COMPLETED in {batch.status for batch in flow.look().batches}
            )
        )

        by_id = {batch.batch_id: batch.status for batch in flow.look().batches}
        assert by_id == {
            first["batchId"]: BatchStatus.PENDING,
            second["batchId"]: BatchStatus.COMPLETED,
        }


def test_a_broken_batch_disturbs_no_other_and_is_made_good_when_it_can_be(
    deploy: Deploy,
) -> None:
    with deploy(receipts=6, completionBatchMaxRequests="2") as flow:
        batches = flow.submit()["batches"]
        s3, bucket = flow.stack.aws.client("s3"), flow.stack.aws.outputs["batchBucketName"]
        key = f"batches/{batches[1]['batchId']}/targets.jsonl"
        kept = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        s3.delete_object(Bucket=bucket, Key=key)

        eventually(lambda: flow.poll()["status"] == "FAILED")
        by_id = {batch.batch_id: batch.status for batch in flow.look().batches}
        assert [by_id[batch["batchId"]] for batch in batches] == [
            BatchStatus.COMPLETED,
            BatchStatus.PENDING,
            BatchStatus.COMPLETED,
        ]

        s3.put_object(Bucket=bucket, Key=key, Body=kept)
        flow.rounds().run()
        at_rest(flow, flow.look())
