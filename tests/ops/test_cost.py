"""``cost``: what is recorded and measured, in USD; what nobody knows is never nothing."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.completions.vocabulary import BatchStatus
from functions.metrics import Metric
from ops.cli import WRONG, main
from ops.costs.lines import shown
from ops.stack import Stack
from tests.ops.costly_stack import (
    MODEL,
    NAMESPACE,
    add_batch,
    add_function,
    measure,
    measure_documents,
    tag_stack,
)

Told = dict[str, Any]
Tell = Callable[..., tuple[int, Told]]
LABELS = f"labels: {MODEL}, Batch API"
FALLBACKS, ANALYSES = "documents, fallbacks", "documents, analyses"
SEARCHES = "documents, searches of vector stores"
AWS_LINES = {
    "Lambda, requests",
    "Lambda, time",
    "Step Functions",
    "SQS",
    "DynamoDB, reads",
    "DynamoDB, writes",
    "CloudWatch, logs",
}


@pytest.fixture
def tagged(stack: Stack) -> Stack:
    tag_stack(stack)
    return stack


@pytest.fixture
def tell(outputs_file: Path, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Run ``cost``: its exit code and its document."""

    def run(*arguments: str) -> tuple[int, Told]:
        code = main(["cost", "--json", "--outputs", str(outputs_file), *arguments])
        out, err = capsys.readouterr()
        assert out, err
        return code, json.loads(out)

    return run


def lines(bill: Told) -> dict[str, list[Told]]:
    """Its lines by what they are about."""
    found: dict[str, list[Told]] = {}
    for line in bill["lines"]:
        found.setdefault(line["what"], []).append(line)
    return found


def only(bill: Told, what: str) -> Told:
    [line] = lines(bill)[what]
    return line


def test_what_batches_used_is_recorded_and_costs_half_of_the_price(
    tagged: Stack, tell: Tell
) -> None:
    add_batch(tagged, input_tokens=1_000_000, output_tokens=100_000, cached_tokens=500_000)
    add_batch(tagged, input_tokens=1_000_000, output_tokens=0, days_ago=2.9)
    add_batch(tagged, input_tokens=10**9, days_ago=3.1)

    _, costs = tell("--days", "3")

    line = only(costs["openai"], LABELS)
    # 1.5 * 0.75 + 0.5 * 0.075 + 0.1 * 4.5, by half
    assert (line["usd"], line["basis"]) == ("0.80625", "recorded")
    assert line["pricesAsOf"] == "2026-06-04"
    assert line["amount"].endswith("200 labels in 2 batches")


def test_a_batch_without_a_price_or_a_usage_is_unknown_and_not_nothing(
    tagged: Stack, tell: Tell
) -> None:
    add_batch(tagged, model="gpt-9")
    add_batch(tagged, input_tokens=0, output_tokens=0)
    add_batch(
        tagged,
        status=BatchStatus.CANCELLED,
        input_tokens=0,
        output_tokens=0,
        outcomes={"UNANSWERED": 100},
    )

    code, costs = tell()

    assert code == 1
    assert not costs["openai"]["complete"]
    unpriced = only(costs["openai"], "labels: gpt-9, Batch API")
    assert (unpriced["usd"], unpriced["basis"]) == (None, "unknown")
    known, silent = lines(costs["openai"])[LABELS]
    assert (known["usd"], known["amount"]) == (
        "0",
        "0 tokens read, 0 written, 100 labels in 1 batch",
    )
    assert (silent["usd"], silent["note"]) == (None, "OpenAI did not say what 1 batch used")


def test_a_batch_that_cannot_be_read_is_told_of(tagged: Stack, tell: Tell) -> None:
    for broken in ({"prompt_tokens": "many"}, {"finished_at": "2026-01-01T00:00:00"}):
        summary = add_batch(tagged)
        tagged.labels.update(summary.key, broken)

    _, costs = tell()

    line = only(costs["openai"], "labels")
    assert (line["usd"], line["note"]) == (None, "2 batches cannot be read")


def test_no_more_batches_are_read_than_is_allowed(tagged: Stack, tell: Tell) -> None:
    for _ in range(3):
        add_batch(tagged)

    code, costs = tell("--limit", "2")

    assert code == 1
    assert only(costs["openai"], LABELS)["amount"].endswith("in 2 batches")
    assert "--limit" in only(costs["openai"], "labels")["note"]
    assert "labels" not in lines(tell("--limit", "3")[1]["openai"])


def test_what_is_under_way_is_told_apart_as_an_estimate(tagged: Stack, tell: Tell) -> None:
    for status in (BatchStatus.SUBMITTING, BatchStatus.PENDING):
        add_batch(tagged, status=status, input_tokens=0, outcomes={}, finished_at=None)

    _, costs = tell()

    assert LABELS not in lines(costs["openai"])
    line = only(costs["underWay"], LABELS)
    # 40,000 * 0.75 + 40,000 * 4.50, by half, for a million
    assert (line["usd"], line["basis"], line["note"]) == ("0.105", "estimate", "at most")


def test_what_cloudwatch_has_no_metric_of_is_unknown(tagged: Stack, tell: Tell) -> None:
    add_function("ingest", {"FALLBACK_MODEL": MODEL, "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE})
    add_function("analysis", {"ANALYSIS_MODEL": "gpt-5.5"})

    code, costs = tell()

    assert code == 1
    assert lines(costs["aws"]).keys() == AWS_LINES
    assert all(line["usd"] is None for line in costs["aws"]["lines"])
    assert {line["basis"] for line in costs["aws"]["lines"]} == {"unknown"}
    assert (costs["aws"]["usd"], costs["aws"]["complete"]) == (None, False)
    assert lines(costs["openai"]).keys() == {FALLBACKS, ANALYSES, SEARCHES}
    assert all(line["usd"] is None for line in costs["openai"]["lines"])


def test_aws_is_measured_and_priced(tagged: Stack, tell: Tell) -> None:
    check = add_function("check", {}, megabytes=512)
    boto3.client("stepfunctions").update_state_machine(
        stateMachineArn=tagged.outputs.vector_store_batch_flow_arn,
        definition=json.dumps(
            {
                "StartAt": "Check",
                "States": {
                    "Check": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Parameters": {"FunctionName": check},
                        "Next": "Each",
                    },
                    "Each": {
                        "Type": "Map",
                        "Iterator": {
                            "StartAt": "Inner",
                            "States": {"Inner": {"Type": "Pass", "End": True}},
                        },
                        "Next": "Done",
                    },
                    "Done": {"Type": "Succeed"},
                },
            }
        ),
    )
    add_function("another-stack", {}, tags=False)
    measure("AWS/Lambda", "Invocations", 1_000_000, FunctionName="check")
    measure("AWS/Lambda", "Invocations", 500_000, days_ago=1.5, FunctionName="check")
    measure("AWS/Lambda", "Invocations", 10**9, FunctionName="another-stack")
    measure("AWS/Lambda", "Duration", 2_000_000_000, FunctionName="check")
    machine = tagged.outputs.vector_store_batch_flow_arn
    measure("AWS/States", "ExecutionsStarted", 1_000, StateMachineArn=machine)
    measure("AWS/SQS", "NumberOfMessagesSent", 1_500_000, QueueName="downloadQueue")
    measure("AWS/SQS", "NumberOfEmptyReceives", 1_000_000, QueueName="downloadQueue")
    measure("AWS/SQS", "NumberOfMessagesSent", 10**9, QueueName="marketAnalysisQueue")
    for name in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"):
        measure("AWS/DynamoDB", name, 1_000_000, TableName="labels")
    measure(
        "AWS/DynamoDB",
        "ConsumedWriteCapacityUnits",
        1_000_000,
        TableName="labels",
        GlobalSecondaryIndexName="GSI1",
    )
    measure("AWS/Logs", "IncomingBytes", 3 * 2**30, LogGroupName="/aws/lambda/submit")

    _, costs = tell("--days", "2")

    found = {what: (line["usd"], line["basis"]) for what, [line] in lines(costs["aws"]).items()}
    assert found == {
        "Lambda, requests": ("0.3", "measured"),
        # A million seconds of half a gigabyte.
        "Lambda, time": ("13.3334", "measured"),
        # The calls, and for each execution its start and the three states that call nothing.
        "Step Functions": ("37.6", "estimate"),
        "SQS": ("1", "estimate"),
        "DynamoDB, reads": ("0.125", "measured"),
        "DynamoDB, writes": ("1.25", "measured"),
        "CloudWatch, logs": ("1.5", "measured"),
    }
    assert costs["aws"]["complete"]
    assert costs["aws"]["usd"] == "55.1084"
    assert costs["awsPricesOf"] == "us-east-1"
    _, one_day = tell("--days", "1")
    assert only(one_day["aws"], "Lambda, requests")["usd"] == "0.2"


def test_documents_cost_what_the_functions_counted(tagged: Stack, tell: Tell) -> None:
    told = {"POWERTOOLS_METRICS_NAMESPACE": NAMESPACE}
    add_function("ingest", {**told, "POWERTOOLS_SERVICE_NAME": "ingest", "FALLBACK_MODEL": MODEL})
    add_function(
        "analysis", {**told, "POWERTOOLS_SERVICE_NAME": "analysis", "ANALYSIS_MODEL": "gpt-5.5"}
    )
    counted = {Metric.INPUT_TOKENS: 1_000.0, Metric.OUTPUT_TOKENS: 500.0}
    measure_documents("ingest", MODEL, {**counted, Metric.COST_USD: 0.003})
    measure_documents("analysis", "gpt-5.5", {**counted, Metric.COST_USD: 0.02})
    measure_documents("analysis", "gpt-9", {**counted, Metric.ANSWERS_WITHOUT_PRICE: 2})
    measure_documents("finish", MODEL, {**counted, Metric.COST_USD: 1_000})
    measure(NAMESPACE, Metric.ANALYSES_STORED, 40, service="analysis")

    code, costs = tell()

    found = {what: (line["usd"], line["basis"]) for what, [line] in lines(costs["openai"]).items()}
    assert found == {
        f"{FALLBACKS}: {MODEL}": ("0.003", "measured"),
        f"{ANALYSES}: gpt-5.5": ("0.02", "measured"),
        f"{ANALYSES}: gpt-9": (None, "unknown"),
        SEARCHES: ("0.1", "estimate"),
    }
    assert costs["openai"]["usd"] == "0.123"
    assert not costs["openai"]["complete"]
    assert code == 1


def test_a_person_sees_tables_that_say_how_each_figure_is_known(
    tagged: Stack, outputs_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_batch(tagged, input_tokens=1_000_000)

    assert main(["cost", "--outputs", str(outputs_file)]) == 1

    shown = capsys.readouterr().out
    for part in ("OpenAI", "AWS", "recorded", "unknown", "2026-06-04", "us-east-1", "S3"):
        assert part in shown
    assert "in all, without what is unknown" in " ".join(shown.split())


def test_a_stack_without_tags_is_refused(
    stack: Stack, outputs_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", "--outputs", str(outputs_file)]) == WRONG
    assert "tags project and stack" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--days", "0"], ["--days", "456"], ["--plan", "0"]])
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["cost", *arguments])
    assert refusal.value.code == WRONG


def test_every_amount_is_exact_decimal_text(tagged: Stack, tell: Tell) -> None:
    for _ in range(3):
        add_batch(tagged, input_tokens=1, output_tokens=1)

    _, costs = tell()

    # In binary floating point it would be 0.0000078749999…
    assert only(costs["openai"], LABELS)["usd"] == "0.000007875"
    assert Decimal(costs["openai"]["usd"]) == Decimal("0.000007875")


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "unknown"),
        ("0", "0.00"),
        ("1234.567", "1,234.57"),
        ("0.004", "0.0040"),
        ("0.00004", "0.000040"),
        ("0.0000000001", "< 0.000001"),
    ],
)
def test_a_small_amount_is_not_shown_as_nothing(usd: str | None, text: str) -> None:
    assert shown(None if usd is None else Decimal(usd)) == text
