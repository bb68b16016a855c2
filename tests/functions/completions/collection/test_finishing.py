"""A batch ends when each of its targets has an outcome, once, and as its job did."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.clients.dynamodb import Action, Table
from functions.completions import capacity
from functions.completions.batches import BatchSummary, CompletionBatchResult
from functions.completions.collection.finishing import finish, update_batch_summary
from functions.completions.entities import iso
from functions.completions.identifiers import LabelId
from functions.completions.labels import batch_summary, batches_with_status
from functions.completions.vocabulary import BatchStatus, Outcome
from functions.errors import CountsDisagreeError, InvalidItemError
from functions.observability import forget_metrics, metrics, metrics_of
from tests.functions.completions.collection.pending_batches import TOKENS, request

NOW = time.time()
OUTCOMES = {
    Outcome.VALID: 4,
    Outcome.INVALID: 3,
    Outcome.NEEDS_REVIEW: 2,
    Outcome.SUPERSEDED: 1,
    Outcome.UNANSWERED: 5,
}


def collected(table: Table, batch_id: str = "b", **fields: Any) -> BatchSummary:
    """A batch that has been collected, with tokens under way."""
    usual = {
        "batch_id": batch_id,
        "status": BatchStatus.PENDING,
        "submitted_at": iso(NOW - 60),
        "model": "gpt-5.4-mini",
        "targets_key": "t",
        "target_count": sum(OUTCOMES.values()),
        "request_count": 1,
        "prompt_tokens": TOKENS,
        "openai_batch_id": "batch_1",
        "openai_status": "completed",
        "input_tokens": 90,
        "output_tokens": 40,
        "cached_tokens": 30,
    }
    summary = BatchSummary(**{**usual, **fields})
    table.put(summary.to_item())
    table.write_all([capacity.taking(TOKENS, None)])
    return summary


def record(batch_id: str, label: LabelId, outcome: Outcome, reason: str | None) -> dict[str, Any]:
    return CompletionBatchResult(
        batch_id=batch_id,
        id=label,
        outcome=outcome,
        original_label=label.label,
        reason=reason,
        model="gpt-5.4-mini",
        attempt=1,
        validated_at=iso(NOW),
    ).to_item()


def judge(
    table: Table,
    batch_id: str = "b",
    outcomes: dict[Outcome, int] | None = None,
    reason: str | None = None,
) -> None:
    """So many audit records."""
    counted = OUTCOMES if outcomes is None else outcomes
    flat = [outcome for outcome, number in counted.items() for _ in range(number)]
    for number, outcome in enumerate(flat):
        [target] = request(number, ["DATE"]).targets
        table.put(record(batch_id, target, outcome, reason))


def now(table: Table, batch_id: str = "b") -> BatchSummary:
    found = batch_summary(table, batch_id)
    assert found is not None
    return found


def tokens(table: Table) -> int:
    return capacity.read(table, NOW).tokens


def counted() -> dict[str, float]:
    """What this test has counted."""
    return {name: sum(metric["Value"]) for name, metric in metrics().metric_set.items()}


@pytest.mark.parametrize(
    ("openai_status", "status"),
    [
        ("completed", BatchStatus.COMPLETED),
        ("failed", BatchStatus.FAILED),
        ("expired", BatchStatus.EXPIRED),
        ("cancelled", BatchStatus.CANCELLED),
    ],
)
def test_a_batch_ends_as_its_job_did(
    label_table: Table, openai_status: str, status: BatchStatus
) -> None:
    summary = collected(label_table, openai_status=openai_status)
    judge(label_table)

    finish(label_table, batch_id="b", now=NOW)

    ended = now(label_table)
    assert ended == summary.model_copy(
        update={"status": status, "outcomes": dict(OUTCOMES), "finished_at": iso(NOW)}
    )
    assert sum(ended.outcomes.values()) == ended.target_count
    assert list(batches_with_status(label_table, BatchStatus.PENDING)) == []
    assert list(batches_with_status(label_table, status)) == [ended]
    assert tokens(label_table) == 0


def test_what_became_of_the_labels_is_counted(label_table: Table) -> None:
    collected(label_table)
    judge(label_table)

    finish(label_table, batch_id="b", now=NOW)

    assert counted() == {
        "BatchesCompleted": 1,
        "LabelsValid": 4,
        "LabelsInvalid": 3,
        "LabelsNeedReview": 2,
        "LabelsSuperseded": 1,
        "LabelsAskedAgain": 5,
    }
    spent = metrics_of("gpt-5.4-mini").metric_set
    assert {name: metric["Value"] for name, metric in spent.items()} == {
        "InputTokens": [90],
        "OutputTokens": [40],
        "CostUsd": [pytest.approx((60 * 0.75 + 30 * 0.075 + 40 * 4.5) / 1_000_000 / 2)],
    }


@pytest.mark.parametrize(
    ("status", "metric"),
    [
        ("failed", "BatchesFailed"),
        ("expired", "BatchesExpired"),
        ("cancelled", "BatchesCancelled"),
    ],
)
def test_how_a_batch_ended_is_counted(label_table: Table, status: str, metric: str) -> None:
    collected(label_table, openai_status=status)
    judge(label_table)

    finish(label_table, batch_id="b", now=NOW)

    assert counted()[metric] == 1


@pytest.mark.parametrize("more", [-1, 1])
def test_a_batch_with_other_than_one_outcome_a_target_does_not_end(
    label_table: Table, more: int
) -> None:
    summary = collected(label_table)
    judge(label_table, outcomes={**OUTCOMES, Outcome.VALID: 4 + more})

    with pytest.raises(CountsDisagreeError, match=f"15 targets, but outcomes for {15 + more}"):
        finish(label_table, batch_id="b", now=NOW)

    assert now(label_table) == summary
    assert tokens(label_table) == TOKENS
    assert counted() == {}


def test_a_batch_of_which_nothing_came_back_does_not_end(label_table: Table) -> None:
    collected(label_table)

    with pytest.raises(CountsDisagreeError, match="outcomes for 0"):
        finish(label_table, batch_id="b", now=NOW)


def test_records_of_another_batch_and_lines_without_an_answer_are_no_outcomes(
    label_table: Table,
) -> None:
    collected(label_table, target_count=1)
    judge(label_table, "other", {Outcome.VALID: 1})
    label_table.put({"PK": "BATCH#b", "SK": "LINE#00001#00000", "outcome": "VALID"})

    with pytest.raises(CountsDisagreeError, match="1 targets, but outcomes for 0"):
        finish(label_table, batch_id="b", now=NOW)


def test_outcomes_beyond_a_page_are_counted(label_table: Table) -> None:
    # A page of a query is a megabyte at most.
    collected(label_table, target_count=300)
    judge(label_table, outcomes={Outcome.VALID: 300}, reason="x" * 4000)

    finish(label_table, batch_id="b", now=NOW)

    assert now(label_table).outcomes["VALID"] == 300


def test_finishing_again_changes_and_counts_nothing(label_table: Table) -> None:
    collected(label_table)
    judge(label_table)
    finish(label_table, batch_id="b", now=NOW)
    ended = now(label_table)
    forget_metrics()

    finish(label_table, batch_id="b", now=NOW + 60)

    assert now(label_table) == ended
    assert tokens(label_table) == 0
    assert counted() == {}
    assert not metrics_of("gpt-5.4-mini").metric_set


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "EXPIRED", "CANCELLED"])
def test_of_a_batch_at_its_end_nothing_is_asked(label_table: Table, status: str) -> None:
    collected(label_table, status=status, openai_status=None)

    finish(label_table, batch_id="b", now=NOW)

    assert now(label_table).finished_at is None


def test_two_at_once_end_a_batch_once(label_table: Table) -> None:
    collected(label_table)
    collected(label_table, "still-under-way")
    judge(label_table)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: finish(label_table, batch_id="b", now=NOW), range(8)))

    assert tokens(label_table) == TOKENS, "those of the other batch"
    assert counted()["BatchesCompleted"] == 1


def test_a_batch_that_is_ended_while_it_is_counted_is_left_as_it_is(label_table: Table) -> None:
    class EndedMeanwhile(Table):
        def write_all(self, actions: Sequence[Action]) -> frozenset[int]:
            label_table.put({**summary.to_item(), "status": "CANCELLED"})
            return super().write_all(actions)

    summary = collected(label_table)
    judge(label_table)

    finish(EndedMeanwhile.named(label_table.name), batch_id="b", now=NOW)

    assert now(label_table).status is BatchStatus.CANCELLED
    assert tokens(label_table) == TOKENS
    assert counted() == {}


def test_marking_a_batch_says_whether_it_was_marked(label_table: Table) -> None:
    summary = collected(label_table)

    assert update_batch_summary(label_table, summary, OUTCOMES, NOW)
    assert not update_batch_summary(label_table, summary, OUTCOMES, NOW)

    assert tokens(label_table) == 0


@pytest.mark.parametrize("status", [None, "in_progress"])
def test_a_batch_that_was_never_collected_does_not_end(
    label_table: Table, status: str | None
) -> None:
    collected(label_table, openai_status=status)
    judge(label_table)

    with pytest.raises(InvalidItemError, match="never collected"):
        finish(label_table, batch_id="b", now=NOW)


def test_there_is_no_batch_to_finish(label_table: Table) -> None:
    with pytest.raises(InvalidItemError, match="there is no batch b"):
        finish(label_table, batch_id="b", now=NOW)


def test_every_outcome_is_a_metric_and_named_in_the_summary(label_table: Table) -> None:
    collected(label_table, target_count=1)
    judge(label_table, outcomes={Outcome.VALID: 1})

    finish(label_table, batch_id="b", now=NOW)

    assert Counter(now(label_table).outcomes) == {
        outcome: int(outcome is Outcome.VALID) for outcome in Outcome
    }
    assert {"LabelsValid", "BatchesCompleted"} <= counted().keys()
    assert "LabelsInvalid" not in counted(), "nothing is counted as zero"
