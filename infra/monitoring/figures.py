"""Figures: a metric of a resource that there is, with how it is summed up.

AWS's own metrics and their dimensions:

* queues: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
* functions: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
* machines: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from functions.metrics import BY_MODEL, MODEL, SERVICE, Metric
from infra.function import Function, metrics_namespace


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One metric, as a widget or an alarm names it."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str


def own(
    metric: Metric, function: Function, *, model: str | None = None, statistic: str = "Sum"
) -> Figure:
    """What a function of ours writes; ``model`` is for metrics that are kept by model."""
    if (metric in BY_MODEL) != (model is not None):
        raise ValueError(f"{metric} is written {'by' if metric in BY_MODEL else 'without a'} model")
    by_model = {} if model is None else {MODEL: model}
    return Figure(
        namespace=metrics_namespace(),
        name=metric.value,
        dimensions={SERVICE: function.name, **by_model},
        statistic=statistic,
    )


def of_queue(queue: aws.sqs.Queue, name: str, *, statistic: str = "Maximum") -> Figure:
    """What SQS says of a queue."""
    return Figure(
        namespace="AWS/SQS", name=name, dimensions={"QueueName": queue.name}, statistic=statistic
    )


def of_function(function: Function, name: str, *, statistic: str = "Sum") -> Figure:
    """What Lambda says of a function."""
    return Figure(
        namespace="AWS/Lambda",
        name=name,
        dimensions={"FunctionName": function.function.name},
        statistic=statistic,
    )


def of_machine(machine: aws.sfn.StateMachine, name: str, *, statistic: str = "Sum") -> Figure:
    """What Step Functions says of a machine's executions."""
    return Figure(
        namespace="AWS/States",
        name=name,
        dimensions={"StateMachineArn": machine.arn},
        statistic=statistic,
    )
