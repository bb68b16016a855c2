"""What becomes of a batch, when two have it in their hands at once."""

from contextlib import closing

import pytest

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import Job
from functions.completions import capacity, summaries
from functions.completions.batches import BatchSummary
from functions.completions.entities import iso
from functions.completions.labels import batch_summary
from functions.completions.submission.drafts import Draft
from functions.completions.vocabulary import BatchStatus
from functions.errors import LeaseLostError
from tests.functions.completions.submission.submissions import MODEL

SUMMARY = BatchSummary(
    batch_id="b",
    status=BatchStatus.SUBMITTING,
    submitted_at=iso(0),
    model=MODEL,
    targets_key="batches/b/targets.jsonl",
    target_count=2,
    request_count=1,
    prompt_tokens=100,
)
JOB = Job(id="batch_1", status="validating", created_at=1, input_file_id="file-1")


@pytest.fixture
def table(label_table: Table) -> Table:
    """Where a batch has just begun, beside others of 50 tokens."""
    label_table.write_all([capacity.taking(50, None)])
    assert summaries.begin(label_table, SUMMARY, token_limit=150)
    return label_table


def tokens(table: Table) -> int:
    return capacity.read(table, 0).tokens


def stored(table: Table) -> BatchSummary:
    found = batch_summary(table, "b")
    assert found
    return found


def end(table: Table, summary: BatchSummary) -> bool:
    return summaries.end(table, summary, BatchStatus.FAILED, reason="because", now=9)


def test_a_batch_takes_its_tokens_and_gives_them_back_once(table: Table) -> None:
    assert tokens(table) == 150

    assert end(table, SUMMARY)
    assert not end(table, SUMMARY)

    assert tokens(table) == 50
    ended = stored(table)
    assert (ended.status, ended.reason, ended.finished_at) == ("FAILED", "because", iso(9))


def test_a_batch_does_not_begin_without_room(table: Table) -> None:
    second = SUMMARY.model_copy(update={"batch_id": "c"})

    assert not summaries.begin(table, second, token_limit=249)

    assert tokens(table) == 150
    assert batch_summary(table, "c") is None


def test_a_batch_is_released_once(table: Table) -> None:
    assert summaries.release(table, SUMMARY, 5)
    assert not summaries.release(table, SUMMARY, 6)

    assert (tokens(table), stored(table).released_at) == (50, 5)


def test_what_was_released_meanwhile_gives_no_tokens_back(table: Table) -> None:
    summaries.release(table, SUMMARY, 5)

    assert not end(table, SUMMARY)
    assert tokens(table) == 50
    assert end(table, stored(table))
    assert tokens(table) == 50


def test_what_was_released_gets_no_job_and_no_other_counts(table: Table) -> None:
    summaries.release(table, SUMMARY, 5)

    assert not summaries.hand_over(table, SUMMARY, JOB)
    with closing(Draft()) as draft, pytest.raises(LeaseLostError, match="released"):
        summaries.recount(table, SUMMARY, draft)

    assert tokens(table) == 50


def test_what_has_a_job_is_neither_released_nor_ended_nor_given_another(table: Table) -> None:
    assert summaries.hand_over(table, SUMMARY, JOB)

    assert not summaries.release(table, SUMMARY, 5)
    assert not end(table, SUMMARY)
    assert not summaries.hand_over(table, SUMMARY, JOB)
    assert tokens(table) == 150
    assert stored(table).openai_batch_id == "batch_1"


def test_no_more_tokens_are_given_back_than_there_still_are(table: Table) -> None:
    with closing(Draft()) as smaller:
        counted = summaries.recount(table, SUMMARY, smaller)
    assert tokens(table) == 50

    assert not summaries.release(table, SUMMARY, 5)
    assert not end(table, SUMMARY)
    assert summaries.release(table, counted, 5)
    assert tokens(table) == 50
