"""What the demo tells of the labels, and when it complains."""

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from functions.completions.batches import BatchSummary, CompletionBatchResult
from functions.completions.entities import ReceiptWordLabel, iso
from functions.completions.identifiers import LabelId
from functions.completions.vocabulary import BatchStatus, Outcome, ValidationStatus
from local.demo.labels.accounts import label_complaints, label_report
from local.demo.labels.reading import LabelSnapshot
from local.demo.labels.rounds import Round, RoundError, Rounds
from local.demo.labels.summary import print_labels
from local.embedded import EmbeddedAws
from local.lambdas import Invocation

IMAGE = "77d54558-60e9-588f-b59d-b48ccb1181d8"
DATE = LabelId(image_id=IMAGE, receipt_id=1, line_id=1, word_id=1, label="DATE")
TIME = DATE.of_same_word("TIME")
METADATA = {"valid_labels": ["TIME"], "invalid_labels": ["DATE"], "proposed_label": ""}


def label(label_id: LabelId, status: ValidationStatus, **more: Any) -> ReceiptWordLabel:
    usual = {"timestamp_added": iso(0), "label_proposed_by": "x", "batch_id": "b-1"}
    return ReceiptWordLabel(id=label_id, validation_status=status, **{**usual, **more})


def batch(batch_id: str, outcomes: dict[str, int], **more: Any) -> BatchSummary:
    usual: dict[str, Any] = {
        "status": BatchStatus.COMPLETED,
        "submitted_at": iso(0),
        "model": "gpt",
        "targets_key": "key",
        "target_count": 1,
        "request_count": 1,
        "prompt_tokens": 9,
        "openai_batch_id": f"batch_{batch_id}0123456789",
    }
    return BatchSummary(batch_id=batch_id, outcomes=outcomes, **{**usual, **more})


def result(batch_id: str, label_id: LabelId, outcome: Outcome) -> CompletionBatchResult:
    return CompletionBatchResult(
        batch_id=batch_id,
        id=label_id,
        outcome=outcome,
        original_label=label_id.label,
        model="gpt",
        attempt=1,
        validated_at=iso(1),
    )


def snapshot(**changes: Any) -> LabelSnapshot:
    """A label that was corrected, and its correction that was confirmed."""
    labels = [
        label(DATE, ValidationStatus.INVALID),
        label(TIME, ValidationStatus.VALID, label_consolidated_from="DATE", batch_id="b-2"),
    ]
    usual: dict[str, Any] = {
        "labels": {each.id: each for each in labels},
        "batches": [batch("b-1", {"INVALID": 1}), batch("b-2", {"VALID": 1})],
        "results": [result("b-1", DATE, Outcome.INVALID), result("b-2", TIME, Outcome.VALID)],
    }
    return LabelSnapshot(**{**usual, **changes})


def changed(label_id: LabelId, **changes: Any) -> dict[LabelId, ReceiptWordLabel]:
    labels = dict(snapshot().labels)
    return {**labels, label_id: labels[label_id].model_copy(update=changes)}


ROUND = Round(
    number=1,
    before=snapshot().statuses,
    after=snapshot().statuses,
    batch_ids=["b-1", "b-2"],
    polls=2,
)


def test_the_report_counts_what_became_of_each_batch() -> None:
    report = label_report([ROUND], snapshot(), imported=1)

    assert [
        (b["round"], b["valid"], b["invalid"], b["corrections"])
        for b in report["completionBatches"]
    ] == [(1, 0, 1, 1), (1, 1, 0, 0)]
    assert report["labels"]["imported"] == 1
    assert report["labels"]["rounds"][0]["after"] == {
        "NONE": 0,
        "PENDING": 0,
        "VALID": 1,
        "INVALID": 1,
        "NEEDS_REVIEW": 0,
    }
    assert (report["auditRecords"], report["vectorsUpdated"]) == (2, 1)


def test_a_word_that_is_still_marked_counts_as_not_updated() -> None:
    marked = snapshot(labels=changed(TIME, projection="b-2"))

    assert label_report([], marked, imported=1)["vectorsUpdated"] == 0


def test_all_is_well_when_everything_adds_up() -> None:
    assert list(label_complaints(snapshot(), {DATE.word: METADATA | {"text": "noon"}})) == []


@pytest.mark.parametrize(
    ("changes", "metadata", "complaint"),
    [
        ({"labels": changed(TIME, validation_status=ValidationStatus.PENDING)}, None, "PENDING"),
        ({"labels": changed(TIME, validation_status=ValidationStatus.NONE)}, None, "still NONE"),
        ({"batches": [batch("b-1", {}), batch("b-2", {"VALID": 1})]}, METADATA, "batch b-1"),
        ({"results": []}, METADATA, "0 audit records for 2 targets"),
        ({}, METADATA | {"proposed_label": "TIME"}, "the vector IMAGE#"),
        ({}, {}, "the vector IMAGE#"),
    ],
)
def test_what_does_not_add_up_is_told(
    changes: dict[str, Any], metadata: dict[str, Any] | None, complaint: str
) -> None:
    seen = snapshot(**changes)
    vectors = seen.metadata() if metadata is None else {DATE.word: metadata}

    [told] = label_complaints(seen, vectors)

    assert complaint in told


def test_the_tables_fit_a_narrow_terminal() -> None:
    console = Console(file=io.StringIO(), width=80)

    print_labels(console, label_report([ROUND], snapshot(), imported=1))

    text = cast("io.StringIO", console.file).getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert "batch_b-1" in text
    assert "1 of them corrected" in text


class FakeAws:
    """A flow that has ``polls`` to go, and fails if it is told to."""

    def __init__(self, *, submit: Invocation | None = None, status: str = "SUCCEEDED") -> None:
        batches = [{"batchId": "b-1", "openaiBatchId": "batch_1", "targets": 1, "requests": 1}]
        self.submitted = submit or Invocation({"batches": batches})
        self.outputs = {
            "submitCompletionBatchFunctionName": "submit",
            "completionPollFlowArn": "poll",
        }
        self.status = status
        self.polled = 0

    def invoke(self, _name: str, _event: Any) -> Invocation:
        return self.submitted

    def client(self, _service: str) -> Any:
        def start_execution(**_arguments: str) -> dict[str, str]:
            self.polled += 1
            return {"executionArn": "execution"}

        return SimpleNamespace(
            start_execution=start_execution,
            describe_execution=lambda **_: {"status": self.status, "cause": "because"},
        )


def rounds(
    aws: FakeAws,
    look: Callable[[], LabelSnapshot],
    under_way: Callable[[], int] = lambda: 0,
    deadline: float = 1e12,
) -> Rounds:
    return Rounds(
        aws=cast("EmbeddedAws", aws),
        look=look,
        under_way=under_way,
        tell=lambda _line: None,
        deadline=deadline,
    )


def test_rounds_go_on_until_no_label_waits() -> None:
    waiting = snapshot(labels=changed(TIME, validation_status=ValidationStatus.NONE))
    seen, under_way = iter([waiting, waiting, snapshot()]), iter([1, 1, 0, 1, 0])
    aws = FakeAws()
    asked = rounds(aws, lambda: next(seen), lambda: next(under_way))

    asked.run()

    assert [(each.number, each.polls) for each in asked.done] == [(1, 2), (2, 1)]
    assert asked.done[0].before["NONE"] == asked.done[0].after["NONE"] == 1
    assert aws.polled == 3


def test_rounds_that_change_nothing_come_to_an_end() -> None:
    waiting = snapshot(labels=changed(TIME, validation_status=ValidationStatus.NONE))
    asked = rounds(FakeAws(), lambda: waiting)

    asked.run()

    assert len(asked.done) == 5


@pytest.mark.parametrize(
    ("aws", "complaint"),
    [
        (FakeAws(submit=Invocation({"errorType": "X"}, failed=True)), "submit: .*X"),
        (FakeAws(status="FAILED"), "execution FAILED: because"),
    ],
)
def test_a_function_or_an_execution_that_fails_ends_the_rounds(
    aws: FakeAws, complaint: str
) -> None:
    waiting = snapshot(labels=changed(TIME, validation_status=ValidationStatus.NONE))

    with pytest.raises(RoundError, match=complaint):
        rounds(aws, lambda: waiting, lambda: 1).run()


def test_rounds_end_with_their_time() -> None:
    waiting = snapshot(labels=changed(TIME, validation_status=ValidationStatus.NONE))
    asked = rounds(FakeAws(), lambda: waiting, deadline=0)

    asked.run()

    assert asked.done == []
