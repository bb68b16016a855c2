"""What labels and documents would cost: estimates, of the labels that wait or of so many."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from pydantic import TypeAdapter, ValidationError

from functions.clients.dynamodb import Table
from functions.completions.batches import BatchSummary
from functions.completions.submission.budgets import Weight, weigh
from functions.completions.submission.drafts import Limits
from functions.completions.submission.selection import Selection
from functions.costs import cost_usd
from functions.environment import Usd as BudgetUsd
from functions.observability import logger
from functions.prices import model_price
from ops.costs.batches import usage_of, used_by
from ops.costs.lines import Basis, Line, unknown
from ops.errors import OpsError
from ops.stack import Stack

_BUDGET = TypeAdapter[Decimal](BudgetUsd)
_UP_TO = "at most, as completionMaxCostUsd would count it"


@dataclass(frozen=True, kw_only=True)
class Submitting:
    """What the stack's submit function is told: its model, its limits, and its budget in USD."""

    model: str
    max_usd: Decimal | None
    max_requests: int
    max_bytes: int

    @classmethod
    def of(cls, stack: Stack) -> "Submitting":
        """OpsError if the function is told something else."""
        name = stack.outputs.submit_completion_batch_function_name
        found = stack.client("lambda").get_function_configuration(FunctionName=name)
        told: Mapping[str, str] = found.get("Environment", {}).get("Variables", {})
        try:
            max_usd = told.get("COMPLETION_MAX_COST_USD")
            return cls(
                model=told["COMPLETION_MODEL"],
                max_usd=None if max_usd is None else _BUDGET.validate_python(max_usd),
                max_requests=int(told["COMPLETION_BATCH_MAX_REQUESTS"]),
                max_bytes=int(told["COMPLETION_BATCH_MAX_BYTES"]),
            )
        except (KeyError, ValueError, ValidationError) as error:
            raise OpsError(f"{name} is not told what it needs: {error}") from None

    @property
    def limits(self) -> Limits:
        """Of what can be asked at all; what is under way is left out of account."""
        return Limits(
            requests=self.max_requests, bytes=self.max_bytes, tokens=None, free_tokens=None
        )


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The labels that wait, as far as they were read, and what they cost at most."""

    weight: Weight
    all_read: bool


def read_waiting(table: Table, submitting: Submitting, *, limit: int) -> Waiting:
    """Weigh the labels that wait, of as many receipts as ``limit`` and those read ahead.

    LookupError without a price of the model.
    """
    asked = count(1)
    going_on = [True]

    def go_on() -> bool:
        going_on[0] = going_on[0] and next(asked) <= limit
        return going_on[0]

    selection = Selection(table, model=submitting.model, go_on=go_on, looked_at=True)
    # What the function would log of items that it cannot read is no part of a command's output.
    with closing(selection), _unlogged():
        weight = weigh(selection, submitting.limits, model=submitting.model)
    return Waiting(weight=weight, all_read=going_on[0])


def waiting_lines(
    waiting: Waiting, submitting: Submitting, ended: Sequence[BatchSummary]
) -> list[Line]:
    """What submitting all labels that wait would cost: at most, and if it goes as it did."""
    labels, price = waiting.weight.labels, model_price(submitting.model)
    at_most = Line(
        what=f"{labels:,} labels that wait: {submitting.model}, Batch API",
        amount=f"{labels:,} labels",
        usd=waiting.weight.usd,
        basis=Basis.ESTIMATE,
        prices_as_of=price.as_of if price else None,
        note=_UP_TO
        if waiting.all_read
        else "of those that were read; more wait than --limit allows",
    )
    likely = label_line(labels, submitting.model, ended)
    return [at_most] if likely.usd is None or not labels else [at_most, likely]


def label_line(labels: int, model: str, ended: Sequence[BatchSummary]) -> Line:
    """What so many labels cost if they go as those of the batches that have ended."""
    what = f"{labels:,} labels: {model}, Batch API"
    like = [each for each in ended if each.model == model and usage_of(each) is not None]
    judged = sum(each.target_count for each in like)
    usage, price = used_by(like), model_price(model)
    if price is None:
        return unknown(what, f"no price is known of {model}")
    if not judged or not usage.input_tokens:
        return unknown(what, "no batch of this model has ended in these days to go by")
    spent = cost_usd(model, usage, batch=True) or Decimal(0)
    return Line(
        what=what,
        amount=f"{labels:,} labels",
        usd=_share(spent, labels, judged),
        basis=Basis.ESTIMATE,
        prices_as_of=price.as_of,
        note=f"as {judged:,} labels have cost in these days",
    )


def document_line(documents: int, lines: Sequence[Line], uploaded: Decimal | None) -> Line:
    """What so many documents cost if they go as those that were uploaded in these days."""
    what = f"{documents:,} documents"
    known = [line.usd for line in lines if line.usd is not None]
    if not uploaded or len(known) < len(lines):
        return unknown(what, "it is not known what documents have cost in these days")
    return Line(
        what=what,
        amount=what,
        usd=_share(sum(known, Decimal(0)), documents, int(uploaded)),
        basis=Basis.ESTIMATE,
        prices_as_of=min((line.prices_as_of for line in lines if line.prices_as_of), default=None),
        note=f"as {uploaded:,.0f} documents have cost in these days",
    )


@contextmanager
def _unlogged() -> Iterator[None]:
    log = logger()
    level = log.log_level
    log.setLevel("CRITICAL")
    try:
        yield
    finally:
        log.setLevel(level)


def _share(usd: Decimal, number: int, of: int) -> Decimal:
    return (usd * number / of).quantize(Decimal("0.000001"))
