"""Metrics as an embedded stack's functions wrote them, and as its dashboard and alarms name them.

Written is what is in the functions' logs in the embedded metric format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.embedded import EmbeddedAws


@dataclass(frozen=True)
class Series:
    """A metric by its namespace, name and dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def written(aws: EmbeddedAws) -> dict[Series, str]:
    """What all functions have written so far, with the units."""
    return {
        series: unit
        for file in aws.logs_dir.iterdir()
        for line in file.read_text().splitlines()
        if line.startswith('{"_aws":')
        for series, unit in _in_line(json.loads(line))
    }


def _in_line(line: dict[str, Any]) -> Iterator[tuple[Series, str]]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, line[name]) for name in names)
            for metric in directive["Metrics"]:
                assert line[metric["Name"]], "a metric without a value"
                series = Series(directive["Namespace"], metric["Name"], dimensions)
                yield series, metric["Unit"]


def named(aws: EmbeddedAws) -> set[Series]:
    """What CloudWatch was given to show and to watch."""
    return {*_shown(aws), *_watched(aws)}


def _shown(aws: EmbeddedAws) -> Iterator[Series]:
    dashboard = aws.client("cloudwatch").get_dashboard(DashboardName=aws.outputs["dashboardName"])
    for widget in json.loads(dashboard["DashboardBody"])["widgets"]:
        for namespace, name, *pairs, _options in widget["properties"].get("metrics", []):
            dimensions = frozenset(zip(pairs[::2], pairs[1::2], strict=True))
            yield Series(namespace, name, dimensions)


def _watched(aws: EmbeddedAws) -> Iterator[Series]:
    for alarm in aws.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]:
        queries = [
            query["MetricStat"]["Metric"]
            for query in alarm.get("Metrics", [])
            if "MetricStat" in query
        ]
        for metric in queries or [alarm]:
            dimensions = frozenset((one["Name"], one["Value"]) for one in metric["Dimensions"])
            yield Series(metric["Namespace"], metric["MetricName"], dimensions)
