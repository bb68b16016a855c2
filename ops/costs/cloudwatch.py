"""Sums of CloudWatch's metrics over some days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
_QUERIES_A_CALL = 500
_DAY_SECONDS = 86_400

Sums = Mapping["Measure", Decimal]


@dataclass(frozen=True)
class Measure:
    """A metric with its dimensions, in the order of their names."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


def sums(
    cloudwatch: Any, measures: Iterable[Measure], since: datetime, until: datetime
) -> dict[Measure, Decimal]:
    """The sum of each metric; one of which CloudWatch has nothing is left out, and not zero."""
    wanted = list(dict.fromkeys(measures))
    found: defaultdict[Measure, Decimal] = defaultdict(Decimal)
    pages = cloudwatch.get_paginator("get_metric_data")
    for start in range(0, len(wanted), _QUERIES_A_CALL):
        some = wanted[start : start + _QUERIES_A_CALL]
        queries = [_query(number, measure) for number, measure in enumerate(some)]
        for page in pages.paginate(MetricDataQueries=queries, StartTime=since, EndTime=until):
            for result in page["MetricDataResults"]:
                for value in result["Values"]:
                    found[some[int(result["Id"][1:])]] += Decimal(str(value))
    return dict(found)


def named(cloudwatch: Any, namespace: str, name: str) -> list[Measure]:
    """The metrics of that name that had a value in the last two weeks, for all dimensions."""
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace, MetricName=name)
    return [
        Measure(
            namespace,
            name,
            tuple(sorted((each["Name"], each["Value"]) for each in metric.get("Dimensions", []))),
        )
        for page in pages
        for metric in page["Metrics"]
    ]


def _query(number: int, measure: Measure) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in measure.dimensions]
    metric = {
        "Namespace": measure.namespace,
        "MetricName": measure.name,
        "Dimensions": dimensions,
    }
    return {
        "Id": f"m{number}",
        "MetricStat": {"Metric": metric, "Period": _DAY_SECONDS, "Stat": "Sum"},
    }
