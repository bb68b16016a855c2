"""A budget: to the cent, nothing sent where it is too small, and never more spent than it is."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import chain, repeat

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions.labels import labelled_receipt
from functions.completions.submission.budgets import Budget, batch_usd
from functions.completions.submission.prompts import Prompt, prompt
from functions.completions.submission.submitting import Submitted, submit
from functions.completions.targets import Request
from functions.completions.verdicts import Verdict, Verdicts
from functions.completions.vocabulary import CoreLabel, ValidationStatus
from functions.costs import TokenUsage, cost_usd, dollars
from functions.errors import InvalidMessageError
from functions.metrics import Metric
from functions.observability import metrics
from local.standins.openai import OpenAIStandIn
from tests.functions.completions.submission.submissions import LIMITS, Desk, label, receipt
from tests.functions.conftest import LogLines

MODEL = "gpt-5.4-mini"
LEAST = Decimal("0.000001")
CAPACITY = {"PK": "CAPACITY", "SK": "PROMPT_TOKENS"}
NONE, PENDING = ValidationStatus.NONE, ValidationStatus.PENDING


@pytest.fixture
def desk(label_table: Table, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn) -> Desk:
    return Desk(table=label_table, bucket=bucket, jobs=jobs, standin=standin)


def with_labels(desk: Desk, receipts: int, lines: int = 2) -> None:
    """So many receipts, which are asked about at the same length."""
    desk.put(*[receipt(number) for number in range(1, receipts + 1)])
    desk.put(*[label(n, line=line) for n in range(1, receipts + 1) for line in range(1, lines + 1)])


def run(
    desk: Desk,
    max_usd: Decimal | None,
    *,
    time_left: Callable[[], float] = lambda: 900,
    **limits: int,
) -> Submitted:
    """A submission with a budget."""
    sender = replace(desk.sender(time_left=time_left), model=MODEL)
    budget = None if max_usd is None else Budget.of(MODEL, max_usd)
    return submit(sender, replace(LIMITS, **limits), budget)


def asked(desk: Desk) -> Prompt:
    """What is asked about one of the receipts, each as long as the others."""
    shown = receipt(1)
    labelled = labelled_receipt(desk.table, shown.id)
    return prompt(labelled, shown, list(labelled.labels.values()), model=MODEL)


def price_of(desk: Desk, receipts: int = 1) -> Decimal:
    """What so many of the receipts cost by the estimate."""
    return batch_usd(MODEL, asked(desk).tokens, asked(desk).answer_tokens) * receipts


def stops() -> list[float]:
    found = metrics().metric_set.get(Metric.BUDGET_STOPS)
    return found["Value"] if found else []


def check_nothing_was_sent(desk: Desk) -> None:
    assert len(desk.standin.calls) == 0, "OpenAI was called"
    assert not desk.standin.files
    assert not desk.standin.jobs
    assert desk.summaries() == []
    assert desk.labels(PENDING) == []
    assert desk.table.get(CAPACITY) is None
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=desk.bucket.name)


def test_exactly_the_budget_passes(desk: Desk) -> None:
    with_labels(desk, receipts=5)
    usd = price_of(desk, receipts=5)

    submitted = run(desk, usd, requests=2)

    assert [batch.request_count for batch in submitted.batches] == [2, 2, 1]
    assert (submitted.waiting, submitted.reason) == (0, "no label waits for a verdict")
    spending = submitted.spending
    assert spending
    assert (spending.max_usd, spending.spent_usd, spending.would_cost_usd) == (usd, usd, usd)
    assert not spending.at_least
    assert stops() == []
    desk.check()


def test_the_least_amount_less_stops_before_anything_is_sent(desk: Desk) -> None:
    with_labels(desk, receipts=5)
    usd = price_of(desk, receipts=5)

    submitted = run(desk, usd - LEAST, requests=2)

    check_nothing_was_sent(desk)
    assert (submitted.batches, submitted.waiting) == ([], 10)
    assert len(desk.labels(NONE)) == 10
    spending = submitted.spending
    assert spending
    assert (spending.spent_usd, spending.would_cost_usd) == (Decimal(0), usd)
    assert not spending.at_least
    assert submitted.reason.startswith(f"nothing was sent: it would cost about ${dollars(usd)}, ")
    assert "completionMaxCostUsd" in submitted.reason
    assert "2026-" in submitted.reason, "the date of the prices"
    assert stops() == [1]


def test_the_next_submission_under_a_larger_budget_sends_it_all(desk: Desk) -> None:
    with_labels(desk, receipts=3)
    usd = price_of(desk, receipts=3)
    run(desk, usd / 2)

    submitted = run(desk, usd)

    assert [batch.target_count for batch in submitted.batches] == [6]
    desk.check()


def test_only_what_there_is_room_for_is_weighed(desk: Desk) -> None:
    with_labels(desk, receipts=10)
    each, tokens = price_of(desk), asked(desk).tokens

    submitted = run(desk, 2 * each, enqueued_tokens=2 * tokens)

    assert [batch.request_count for batch in submitted.batches] == [2]
    assert submitted.waiting == 16
    assert submitted.reason.endswith("prompt tokens are under way")
    assert submitted.spending
    assert submitted.spending.spent_usd == submitted.spending.would_cost_usd == 2 * each
    assert run(desk, LEAST, enqueued_tokens=2 * tokens).spending
    assert stops() == []


def test_a_receipt_that_no_batch_can_hold_costs_nothing(desk: Desk) -> None:
    with_labels(desk, receipts=2)
    usd = price_of(desk, receipts=2)
    desk.put(receipt(3, ["LONG " * 2000]), label(3))

    submitted = run(desk, usd, bytes=8000)

    assert sum(batch.request_count for batch in submitted.batches) == 2
    assert stops() == []


def test_what_there_was_no_time_to_weigh_is_not_sent_beyond_the_budget(desk: Desk) -> None:
    with_labels(desk, receipts=4)
    each = price_of(desk)
    # At first 570 seconds are enough, then only 500 are left.
    seconds = chain([900], repeat(500))

    submitted = run(desk, 3 * each, time_left=lambda: next(seconds), requests=1)

    assert [batch.request_count for batch in submitted.batches] == [1, 1, 1]
    assert submitted.waiting == 2
    spending = submitted.spending
    assert spending
    assert (spending.spent_usd, spending.would_cost_usd) == (3 * each, 4 * each)
    assert spending.at_least
    assert submitted.reason.startswith("no more was sent: it would cost at least $")
    assert stops() == [1]
    desk.check()


def test_too_much_is_too_much_even_if_there_is_more_to_weigh(desk: Desk) -> None:
    with_labels(desk, receipts=60)
    each = price_of(desk)
    seconds = chain([900], repeat(600, 10), repeat(500))

    submitted = run(desk, 2 * each, time_left=lambda: next(seconds))

    check_nothing_was_sent(desk)
    spending = submitted.spending
    assert spending
    assert spending.at_least
    assert 3 * each <= spending.would_cost_usd < 60 * each
    assert "at least $" in submitted.reason
    assert submitted.waiting == 120


def test_labels_that_others_take_meanwhile_cost_nothing(desk: Desk) -> None:
    with_labels(desk, receipts=2)
    usd = price_of(desk, receipts=2)
    taken = [label(1, line=line, validation_status=ValidationStatus.VALID) for line in (1, 2)]

    submitted = run(desk.meanwhile(lambda: desk.put(*taken)), usd)

    assert [batch.target_count for batch in submitted.batches] == [2]
    assert submitted.spending
    assert submitted.spending.spent_usd == usd / 2
    kept = desk.summary()
    assert batch_usd(MODEL, kept.prompt_tokens, kept.answer_tokens) == usd / 2
    desk.check()


def test_what_cannot_be_asked_is_reported_once(desk: Desk, logged: LogLines) -> None:
    with_labels(desk, receipts=1)
    desk.put(label(2))

    run(desk, Decimal(10))

    told = [line for line in logged() if "no readable item" in line["message"]]
    assert len(told) == 1
    assert metrics().metric_set[Metric.LABELS_THAT_CANNOT_BE_ASKED]["Value"] == [1]


def test_without_a_budget_nothing_is_said_of_one(desk: Desk) -> None:
    with_labels(desk, receipts=1)

    assert run(desk, None).spending is None


def test_a_model_without_a_price_cannot_be_held_to_a_budget() -> None:
    with pytest.raises(InvalidMessageError, match=r"gpt-9.*completionModel.*completionMaxCostUsd"):
        Budget.of("gpt-9", Decimal(10))
    with pytest.raises(LookupError, match="gpt-9"):
        batch_usd("gpt-9", 1, 1)


@given(st.lists(st.sampled_from(list(CoreLabel)), min_size=1, max_size=20))
def test_the_estimate_of_an_answer_is_no_less_than_the_longest_answer(
    labels: list[CoreLabel],
) -> None:
    targets = [label(line=line, name=name).id for line, name in enumerate(labels, 1)]
    question = Prompt(request=Request(receipt=targets[0].receipt, targets=targets), line=b"")
    longest = max(CoreLabel, key=len)
    answer = Verdicts(
        results=[
            Verdict(id=target.target_id, is_valid=False, correct_label=longest)
            for target in targets
        ]
    )
    # With the spaces that a model may put; a token for two bytes is what record 7 reckons with.
    text = json.dumps(answer.model_dump(mode="json"))
    assert question.answer_tokens * 2 >= len(text)


def test_an_estimate_costs_no_less_than_what_the_stand_in_counts(desk: Desk) -> None:
    with_labels(desk, receipts=4)
    [batch] = run(desk, None).batches
    while (job := desk.jobs.job(batch.openai_batch_id or "")).status != "completed":
        assert job.status in ("validating", "in_progress", "finalizing")

    used = TokenUsage(input_tokens=job.input_tokens, output_tokens=job.output_tokens)
    recorded = cost_usd(MODEL, used, batch=True)

    assert recorded is not None
    assert 0 < recorded <= batch_usd(MODEL, batch.prompt_tokens, batch.answer_tokens)
