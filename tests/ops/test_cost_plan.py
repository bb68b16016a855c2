"""``cost --plan``: what a run would cost, said to be an estimate, or said to be unknown."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.costs import dollars
from functions.metrics import Metric
from ops.cli import WRONG, main
from ops.costs.planned import Submitting, Waiting, read_waiting
from ops.stack import Stack
from tests.functions.completions.submission.submissions import label, put_all, receipt
from tests.functions.conftest import LogLines, log, logged
from tests.ops.costly_stack import (
    MODEL,
    NAMESPACE,
    SUBMIT,
    add_batch,
    add_function,
    measure,
    measure_documents,
    tag_stack,
)
from tests.ops.test_cost import Tell, Told, tell

__all__ = ["log", "logged", "tell"]

SUBMITTING = Submitting(model=MODEL, max_usd=None, max_requests=50_000, max_bytes=200_000_000)


@pytest.fixture
def waiting(stack: Stack) -> Stack:
    """Where two labels of each of five receipts wait."""
    put_all(stack.labels, [receipt(number) for number in range(1, 6)])
    put_all(stack.labels, [label(n, line=line) for n in range(1, 6) for line in (1, 2)])
    return stack


def weighed(stack: Stack, limit: int = 5) -> Waiting:
    return read_waiting(stack.labels, SUBMITTING, limit=limit)


def figures(plan: Told) -> list[tuple[Any, ...]]:
    return [(line["amount"], line["usd"], line["basis"]) for line in plan["lines"]]


def test_the_labels_that_wait_cost_what_a_submission_would_weigh(
    waiting: Stack, tell: Tell
) -> None:
    add_function("submit", SUBMIT)

    code, plan = tell("--plan", "--limit", "5")

    assert code == 0
    usd = weighed(waiting).weight.usd
    assert usd > 0
    assert figures(plan) == [("10 labels", dollars(usd), "estimate")]
    assert plan["lines"][0]["pricesAsOf"] == "2026-06-04"
    assert plan["lines"][0]["note"] == "at most, as completionMaxCostUsd would count it"
    assert (plan["maxCostUsd"], plan["wouldBeStopped"]) == (None, None)


@pytest.mark.parametrize(("less", "stopped"), [("0", False), ("0.000001", True)])
def test_a_plan_says_whether_the_budget_would_stop_it(
    waiting: Stack, tell: Tell, less: str, stopped: bool
) -> None:
    budget = weighed(waiting).weight.usd.quantize(Decimal("0.000001"), "ROUND_UP") - Decimal(less)
    add_function("submit", {**SUBMIT, "COMPLETION_MAX_COST_USD": f"{budget}"})

    _, plan = tell("--plan")

    assert plan["maxCostUsd"] == dollars(budget)
    assert plan["wouldBeStopped"] is stopped


def test_no_more_receipts_are_read_than_is_allowed(waiting: Stack, tell: Tell) -> None:
    add_function("submit", SUBMIT)
    put_all(waiting.labels, [receipt(number) for number in range(6, 61)])
    put_all(waiting.labels, [label(number) for number in range(6, 61)])

    _, plan = tell("--plan", "--limit", "2")

    assert weighed(waiting, 60).all_read
    assert not weighed(waiting, 2).all_read
    assert weighed(waiting, 2).weight.labels < 65
    assert "--limit" in plan["lines"][0]["note"]


def test_planning_changes_nothing_and_logs_nothing(
    waiting: Stack, tell: Tell, logged: LogLines
) -> None:
    add_function("submit", SUBMIT)
    waiting.labels.update(label(1).id.key, {"attempts": "many"})
    before = boto3.client("dynamodb").scan(TableName="labels")["Items"]

    _, plan = tell("--plan")

    assert plan["lines"][0]["amount"] == "9 labels"
    assert boto3.client("dynamodb").scan(TableName="labels")["Items"] == before
    assert logged() == []


def test_so_many_labels_cost_as_those_did_that_were_asked_about(stack: Stack, tell: Tell) -> None:
    add_function("submit", SUBMIT)
    add_batch(stack, target_count=100, input_tokens=200_000, output_tokens=0)
    add_batch(stack, target_count=50, input_tokens=100_000, output_tokens=0)
    add_batch(stack, model="gpt-5.5", input_tokens=10**9)

    code, plan = tell("--plan", "1000")

    # 2,000 tokens a label, at 0.375 for a million.
    assert (code, figures(plan)) == (0, [("1,000 labels", "0.75", "estimate")])
    assert plan["lines"][0]["note"] == "as 150 labels have cost in these days"


def test_labels_that_wait_have_both_figures_where_batches_have_ended(
    waiting: Stack, tell: Tell
) -> None:
    add_function("submit", SUBMIT)
    add_batch(waiting, target_count=100, input_tokens=200_000, output_tokens=0)

    _, plan = tell("--plan")

    at_most = dollars(weighed(waiting).weight.usd)
    assert figures(plan) == [
        ("10 labels", at_most, "estimate"),
        ("10 labels", "0.0075", "estimate"),
    ]


def test_without_anything_to_go_by_a_plan_is_unknown(stack: Stack, tell: Tell) -> None:
    add_function("submit", SUBMIT)
    tag_stack(stack)

    code, plan = tell("--plan", "10", "--plan-documents", "3")

    assert code == 1
    assert [line["usd"] for line in plan["lines"]] == [None, None]
    assert not plan["complete"]


def test_labels_of_a_model_without_a_price_are_unknown(waiting: Stack, tell: Tell) -> None:
    add_function("submit", {**SUBMIT, "COMPLETION_MODEL": "gpt-9"})

    code, plan = tell("--plan")

    assert code == 1
    [line] = plan["lines"]
    assert (line["usd"], line["note"]) == (None, "no price is known of gpt-9")


def test_so_many_documents_cost_as_those_did_that_were_uploaded(stack: Stack, tell: Tell) -> None:
    tag_stack(stack)
    add_function("submit", SUBMIT)
    told = {"POWERTOOLS_METRICS_NAMESPACE": NAMESPACE}
    add_function("ingest", {**told, "POWERTOOLS_SERVICE_NAME": "ingest", "FALLBACK_MODEL": MODEL})
    add_function(
        "analysis", {**told, "POWERTOOLS_SERVICE_NAME": "analysis", "ANALYSIS_MODEL": "gpt-5.5"}
    )
    measure_documents("ingest", MODEL, {Metric.COST_USD: 0.5})
    measure_documents("analysis", "gpt-5.5", {Metric.COST_USD: 1.4})
    measure(NAMESPACE, Metric.ANALYSES_STORED, 40, service="analysis")
    measure(NAMESPACE, Metric.FILES_UPLOADED, 200, service="ingest")

    code, plan = tell("--plan-documents", "50")

    assert (code, figures(plan)) == (0, [("50 documents", "0.5", "estimate")])


def test_a_person_is_told_what_the_budget_does(
    waiting: Stack, outputs_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_function("submit", {**SUBMIT, "COMPLETION_MAX_COST_USD": "0.000001"})

    assert main(["cost", "--plan", "--outputs", str(outputs_file)]) == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert "completionMaxCostUsd is 0.000001: it stops a submission of all of them." in shown


def test_a_function_that_is_told_nonsense_is_named(
    waiting: Stack, outputs_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_function("submit", {**SUBMIT, "COMPLETION_MAX_COST_USD": "nothing"})

    assert main(["cost", "--plan", "--outputs", str(outputs_file)]) == WRONG
    assert "submit is not told what it needs" in capsys.readouterr().err
