"""What ``cost`` was asked for: looked up, reckoned and shown."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from functions.prices import model_price
from ops import aws_prices
from ops.costs.batches import Batches, ended_lines, read_batches, under_way_lines
from ops.costs.cloudwatch import sums
from ops.costs.documents import document_lines, uploaded
from ops.costs.lines import Bill, Costs, Line, Plan, unknown
from ops.costs.measured import aws_lines, measures
from ops.costs.planned import (
    Submitting,
    document_line,
    label_line,
    read_waiting,
    waiting_lines,
)
from ops.costs.resources import resources
from ops.screen import Screen
from ops.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A stack, the days that are asked about, and the batches of these days."""

    stack: Stack
    since: datetime
    until: datetime
    limit: int
    batches: Batches

    @classmethod
    def of(cls, stack: Stack, *, days: int, limit: int) -> "Asked":
        """The last days; no more batches than ``limit`` are read, nor receipts that wait."""
        until = datetime.now(UTC)
        since = until - timedelta(days=days)
        batches = read_batches(stack.labels, since, until, limit=limit)
        return cls(stack=stack, since=since, until=until, limit=limit, batches=batches)


def show_costs(asked: Asked, screen: Screen) -> int:
    """What these days cost; 1 if something of it is not known."""
    parts, cloudwatch = resources(asked.stack), asked.stack.client("cloudwatch")
    measured = sums(cloudwatch, measures(parts), asked.since, asked.until)
    documents = document_lines(cloudwatch, parts, asked.since, asked.until)
    costs = Costs(
        since=asked.since,
        until=asked.until,
        openai=Bill.of([*ended_lines(asked.batches), *documents]),
        aws=Bill.of(aws_lines(parts, measured)),
        under_way=Bill.of(under_way_lines(asked.batches)),
        aws_prices_of=aws_prices.REGION,
        not_counted=aws_prices.NOT_COUNTED,
    )
    costs.show(screen)
    screen.document(costs.to_json())
    return int(not (costs.openai.complete and costs.aws.complete and costs.under_way.complete))


def show_plan(
    asked: Asked, screen: Screen, *, waiting: bool, labels: int | None, documents: int | None
) -> int:
    """What the labels that are ``waiting``, or so many, would cost; 1 if that is not known."""
    submitting = Submitting.of(asked.stack)
    lines: list[Line] = []
    stopped = None
    if waiting:
        lines, stopped = _waiting(asked, submitting)
    if labels is not None:
        lines.append(label_line(labels, submitting.model, asked.batches.ended))
    if documents is not None:
        lines.append(_documents(asked, documents))
    plan = Plan(
        since=asked.since,
        until=asked.until,
        lines=lines,
        complete=all(line.usd is not None for line in lines),
        max_cost_usd=submitting.max_usd,
        would_be_stopped=stopped,
    )
    plan.show(screen)
    screen.document(plan.to_json())
    return int(not plan.complete)


def _waiting(asked: Asked, submitting: Submitting) -> tuple[list[Line], bool | None]:
    """What the labels that wait would cost, and whether the budget would stop them."""
    if model_price(submitting.model) is None:
        return [unknown("labels that wait", f"no price is known of {submitting.model}")], None
    found = read_waiting(asked.stack.labels, submitting, limit=asked.limit)
    budget = submitting.max_usd
    stopped = None if budget is None else found.weight.usd > budget
    return waiting_lines(found, submitting, asked.batches.ended), stopped


def _documents(asked: Asked, documents: int) -> Line:
    parts, cloudwatch = resources(asked.stack), asked.stack.client("cloudwatch")
    lines = document_lines(cloudwatch, parts, asked.since, asked.until)
    sent = uploaded(cloudwatch, parts, asked.since, asked.until)
    return document_line(documents, lines, sent)
