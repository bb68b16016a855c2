"""The dashboard: a section a flow, one for what both cost, and one for what runs them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from functions.metrics import Metric
from infra.function import Function
from infra.monitoring.figures import Figure, of_function, of_machine, of_queue, own
from infra.monitoring.watched import Watched
from infra.monitoring.widgets import Widget, body, graph

_OUTCOMES = {
    "started": "ExecutionsStarted",
    "succeeded": "ExecutionsSucceeded",
    "failed": "ExecutionsFailed",
    "timed out": "ExecutionsTimedOut",
    "aborted": "ExecutionsAborted",
    "throttled": "ExecutionThrottled",
}
_VERDICTS = {
    "valid": Metric.LABELS_VALID,
    "invalid": Metric.LABELS_INVALID,
    "needs review": Metric.LABELS_NEED_REVIEW,
    "asked again": Metric.LABELS_ASKED_AGAIN,
    "changed by others": Metric.LABELS_SUPERSEDED,
}
_TIMES = {"half of them within": "p50", "nine in ten within": "p90", "the slowest": "Maximum"}
_DEPTH, _AGE = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"


def dashboard_body(watched: Watched, *, region: pulumi.Input[str]) -> Mapping[str, Any]:
    """What ``PutDashboard`` takes, as JSON once its outputs are known."""
    return body(
        {
            "Documents": _documents(watched, region),
            "Labels": _labels(watched, region),
            "Tokens and what they cost": _spending(watched, region),
            "Dead letters and functions": _functions(watched, region),
        }
    )


def _documents(watched: Watched, region: pulumi.Input[str]) -> Sequence[Widget]:
    flow = watched.documents
    queues = {"download": flow.download.queue, "analysis": flow.market_analysis.queue}
    graphs = {
        "Messages that wait": _each(queues, _DEPTH),
        "Age of the oldest message, in seconds": _each(queues, _AGE),
        "VectorStoreBatchFlow: executions": _executions(flow.flow.state_machine),
        "File batches: checks, and how they end": {
            "checks": own(Metric.FILE_BATCH_CHECKS, flow.flow.check),
            "completed": own(Metric.FILE_BATCHES_COMPLETED, flow.flow.check),
            "failed": own(Metric.FILE_BATCHES_FAILED, flow.flow.check),
            "checks that failed": own(Metric.CHECK_FAILURES, flow.flow.check),
        },
        "From message to analysis, in seconds": {
            label: own(Metric.MESSAGE_TO_ANALYSIS, flow.analyse, statistic=statistic)
            for label, statistic in _TIMES.items()
        },
        "Documents": {
            "uploaded": own(Metric.FILES_UPLOADED, flow.ingest),
            "not to be downloaded": own(Metric.DOWNLOADS_FAILED, flow.ingest),
            "failed deliveries": own(Metric.RECORDS_FAILED, flow.ingest),
            "not to be indexed": own(Metric.FILES_FAILED, flow.flow.check),
            "analyses": own(Metric.ANALYSES_STORED, flow.analyse),
        },
    }
    return [graph(title, figures, region=region) for title, figures in graphs.items()]


def _labels(watched: Watched, region: pulumi.Input[str]) -> Sequence[Widget]:
    functions = watched.labels.functions
    finish, submit, listing = functions["finish"], functions["submit"], functions["list_pending"]
    verdicts = {label: own(metric, finish) for label, metric in _VERDICTS.items()}
    graphs = {
        "Age of the oldest batch, in seconds": {
            "oldest": own(Metric.OLDEST_BATCH_AGE, listing, statistic="Maximum")
        },
        "CompletionPollFlow: executions": _executions(watched.labels.machine.state_machine),
        "Labels: submitted, and what keeps others waiting": {
            "submitted": own(Metric.LABELS_SUBMITTED, submit),
            "waiting": own(Metric.LABELS_WAITING, submit, statistic="Maximum"),
            "stopped by the budget": own(Metric.BUDGET_STOPS, submit),
        },
        "Batches": {
            "submitted": own(Metric.BATCHES_SUBMITTED, submit),
            "completed": own(Metric.BATCHES_COMPLETED, finish),
            "failed": own(Metric.BATCHES_FAILED, finish),
            "expired": own(Metric.BATCHES_EXPIRED, finish),
            "cancelled": own(Metric.BATCHES_CANCELLED, finish),
        },
    }
    return [
        graph("Labels: verdicts", verdicts, region=region, stacked=True),
        *(graph(title, figures, region=region) for title, figures in graphs.items()),
        *_projection(functions.get("project"), region),
    ]


def _projection(project: Function | None, region: pulumi.Input[str]) -> Sequence[Widget]:
    if project is None:
        return []
    figures = {
        "projected": own(Metric.WORDS_PROJECTED, project),
        "without a vector": own(Metric.VECTORS_MISSING, project),
        "failed": own(Metric.PROJECTIONS_FAILED, project),
    }
    return [graph("Words on their way to Pinecone", figures, region=region)]


def _spending(watched: Watched, region: pulumi.Input[str]) -> Sequence[Widget]:
    used = {
        "fallbacks": (watched.documents.ingest, watched.fallback_model),
        "analyses": (watched.documents.analyse, watched.analysis_model),
        "labels": (watched.labels.functions["finish"], watched.completion_model),
    }

    def by_use(metric: Metric) -> Mapping[str, Figure]:
        return {
            f"{use}: {model}": own(metric, function, model=model)
            for use, (function, model) in used.items()
        }

    titles = {
        "Tokens read": Metric.INPUT_TOKENS,
        "Tokens written": Metric.OUTPUT_TOKENS,
        "Cost in USD": Metric.COST_USD,
        "Answers whose price is not known": Metric.ANSWERS_WITHOUT_PRICE,
    }
    return [
        graph(title, by_use(metric), region=region, stacked=True)
        for title, metric in titles.items()
    ]


def _functions(watched: Watched, region: pulumi.Input[str]) -> Sequence[Widget]:
    every = [*watched.document_functions, *watched.label_functions]

    def lines(
        functions: Sequence[Function], figure: Callable[[Function], Figure]
    ) -> Mapping[str, Figure]:
        return {function.name: figure(function) for function in functions}

    errors = lines(watched.unexpected_to_fail, lambda f: of_function(f, "Errors"))
    failed_checks = own(Metric.CHECK_FAILURES, watched.documents.flow.check)
    return [
        graph("Dead letters", _each(watched.dead_letters, _DEPTH), region=region),
        graph(
            "Functions: errors",
            {**errors, watched.documents.flow.check.name: failed_checks},
            region=region,
        ),
        graph(
            "Functions: throttled",
            lines(every, lambda f: of_function(f, "Throttles")),
            region=region,
        ),
        graph(
            "Functions: the slowest calls, in milliseconds",
            lines(every, lambda f: of_function(f, "Duration", statistic="Maximum")),
            region=region,
        ),
    ]


def _each(queues: Mapping[str, aws.sqs.Queue], name: str) -> Mapping[str, Figure]:
    return {label: of_queue(queue, name) for label, queue in queues.items()}


def _executions(machine: aws.sfn.StateMachine) -> Mapping[str, Figure]:
    return {label: of_machine(machine, name) for label, name in _OUTCOMES.items()}
