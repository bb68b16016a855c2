"""The metrics: whose they are, and in which unit and namespace."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.metrics import MetricUnit

from functions import observability
from functions.costs import TokenUsage
from functions.metrics import BY_MODEL, Metric
from functions.observability import count, measure, observed
from functions.spending import count_spending
from tests.functions.invocations import Context


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A function as it is deployed: the metrics are made anew from what it is told."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "openai-batch-flows/dev")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "documents-ingest")
    observability.forget_metrics()
    observability.metrics.cache_clear()
    yield
    observability.forget_metrics()
    observability.metrics.cache_clear()


@observed
def handler(_event: dict[str, Any], _context: object) -> None:
    """Uses everything that there is."""
    count(Metric.FILES_UPLOADED, 2)
    measure(Metric.MESSAGE_TO_ANALYSIS, 1.5)
    for model in ("gpt-5.4-mini", "gpt-5.5", "gpt-of-somebody"):
        usage = TokenUsage(input_tokens=1_000_000, output_tokens=10)
        count_spending(model, usage, batch=False)


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def described(line: dict[str, Any]) -> tuple[str, dict[str, str], dict[str, str]]:
    """Namespace, dimensions with their values, and units by metric."""
    [directive] = line["_aws"]["CloudWatchMetrics"]
    [dimensions] = directive["Dimensions"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    return directive["Namespace"], {name: line[name] for name in dimensions}, units


@pytest.mark.usefixtures("deployed")
def test_metrics_are_in_the_stacks_own_namespace_by_function(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler({}, Context())

    first, *_ = written(capsys)
    assert described(first) == (
        "openai-batch-flows/dev",
        {"service": "documents-ingest"},
        {"FilesUploaded": "Count", "MessageToAnalysis": "Seconds"},
    )
    assert (first["FilesUploaded"], first["MessageToAnalysis"]) == ([2], [1.5])


@pytest.mark.usefixtures("deployed")
def test_what_a_model_used_is_written_by_model_with_what_it_cost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler({}, Context())

    _, *by_model = written(capsys)
    costs = {}
    for line in by_model:
        namespace, dimensions, units = described(line)
        assert namespace == "openai-batch-flows/dev"
        assert dimensions == {"service": "documents-ingest", "model": line["model"]}
        assert (line["InputTokens"], line["OutputTokens"]) == ([1_000_000], [10])
        assert units.get("CostUsd", "None") == "None"
        costs[line["model"]] = line.get("CostUsd"), line.get("AnswersWithoutPrice")
    assert costs == {
        "gpt-5.4-mini": ([pytest.approx(0.750045)], None),
        "gpt-5.5": ([pytest.approx(5.0003)], None),
        # What nobody knows is not nothing.
        "gpt-of-somebody": (None, [1]),
    }


@pytest.mark.usefixtures("deployed")
def test_what_was_written_is_not_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    handler({}, Context())
    first = written(capsys)

    handler({}, Context())

    assert [line | {"_aws": None} for line in written(capsys)] == [
        line | {"_aws": None} for line in first
    ]


def test_every_metric_has_a_unit_that_cloudwatch_knows() -> None:
    units = {unit.value for unit in MetricUnit} | {"None"}
    assert {metric.unit for metric in Metric} <= units
    assert {metric for metric in Metric if metric.unit == "Count"} > BY_MODEL - {Metric.COST_USD}
