"""One alarm, and what CloudWatch makes of it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.monitoring.figures import Figure

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
_MOST_FIGURES = 10
_HOUR, _DAY = 3600, 86_400


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """When to tell somebody, and what. Several figures are added up."""

    name: str
    section: str
    """Of docs/operations.md, as a link names it."""
    meaning: str
    """What has happened, and what to type."""
    figures: Sequence[Figure]
    threshold: float
    period_seconds: int
    periods: int = 1
    """That have to be so, one after the other."""
    comparison: str = "GreaterThanOrEqualToThreshold"
    missing: str = "notBreaching"
    """What a period without the metric is."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.figures) <= _MOST_FIGURES:
            raise ValueError(f"{self.name}: an alarm takes 1 to {_MOST_FIGURES} metrics")
        longest = 7 * _DAY if self.period_seconds >= _HOUR else _DAY
        if self.period_seconds * self.periods > longest:
            raise ValueError(f"{self.name}: CloudWatch looks no further back than {longest} s")

    @property
    def description(self) -> str:
        """As whoever is told reads it."""
        return f"{self.meaning} See docs/operations.md#{self.section}"


def create(name: str, alarm: Alarm, *, topic: aws.sns.Topic, opts: pulumi.ResourceOptions) -> None:
    """Make the alarm, as ``{name}-{its name}``; it tells the topic."""
    figures = _sum(alarm) if len(alarm.figures) > 1 else _one(alarm)
    aws.cloudwatch.MetricAlarm(
        f"{name}-{alarm.name}",
        alarm_description=alarm.description,
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.periods,
        treat_missing_data=alarm.missing,
        alarm_actions=[topic.arn],
        opts=opts,
        **figures,
    )


def _one(alarm: Alarm) -> dict[str, Any]:
    [figure] = alarm.figures
    return {
        "namespace": figure.namespace,
        "metric_name": figure.name,
        "dimensions": dict(figure.dimensions),
        "statistic": figure.statistic,
        "period": alarm.period_seconds,
    }


def _sum(alarm: Alarm) -> dict[str, Any]:
    """All figures together; one that has no values adds nothing."""
    total = {"id": "total", "expression": "SUM(METRICS())", "return_data": True}
    metrics = [
        {
            "id": f"m{number}",
            "metric": {
                "namespace": figure.namespace,
                "metric_name": figure.name,
                "dimensions": dict(figure.dimensions),
                "stat": figure.statistic,
                "period": alarm.period_seconds,
            },
        }
        for number, figure in enumerate(alarm.figures, start=1)
    ]
    return {"metric_queries": [total, *metrics]}
