"""A line of a bill that is none: how much of what, what it cost, and how that is known."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer

from functions.costs import dollars
from functions.prices import UnitPrice
from ops.parts import Part
from ops.screen import Screen

Usd = Annotated[Decimal, PlainSerializer(dollars, return_type=str)]
_COLUMNS = ("what", "how much", "USD", "basis", "prices of", "note")


class Basis(StrEnum):
    """How a figure is known. All of them are turned into USD by a table of prices."""

    RECORDED = "recorded"
    """The stack wrote down what OpenAI counted."""
    MEASURED = "measured"
    """CloudWatch counted."""
    ESTIMATE = "estimate"
    UNKNOWN = "unknown"
    """Not nothing: nobody knows."""


class Line(Part):
    """Without ``usd`` it is not known what it cost."""

    what: str
    amount: str
    usd: Usd | None
    basis: Basis
    prices_as_of: date | None = None
    note: str = ""


class Bill(Part):
    """Lines of one supplier; ``usd`` adds up those that are known, ``complete`` if all are."""

    lines: Sequence[Line]
    usd: Usd | None
    """None if there are lines and none is known."""
    complete: bool

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "Bill":
        """The bill with these lines."""
        all_lines = list(lines)
        known = [line.usd for line in all_lines if line.usd is not None]
        usd = sum(known, Decimal(0)) if known or not all_lines else None
        return cls(lines=all_lines, usd=usd, complete=len(known) == len(all_lines))

    def show(self, screen: Screen, title: str) -> None:
        """A table, with a sum that says if it is not all."""
        sums = "in all" if self.complete else "in all, without what is unknown"
        screen.table(
            title, _COLUMNS, [*map(_row, self.lines), [sums, "", shown(self.usd), "", "", ""]]
        )


class Costs(Part):
    """What some days cost."""

    since: datetime
    until: datetime
    openai: Bill
    aws: Bill
    under_way: Bill
    """Batches that OpenAI has not finished: what they will have cost at most, by estimate."""
    aws_prices_of: str
    """The region."""
    not_counted: str

    def show(self, screen: Screen) -> None:
        """A table for each supplier."""
        days = f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"
        self.openai.show(screen, f"OpenAI, {days}")
        self.aws.show(screen, f"AWS, {days}")
        if self.under_way.lines:
            self.under_way.show(screen, "OpenAI, batches that are under way")
        screen.say(
            f"AWS's prices are those of {self.aws_prices_of}, without free tiers. Not counted: "
            f"{self.not_counted}."
        )


class Plan(Part):
    """What a run would cost at OpenAI. Two lines may be about the same labels."""

    since: datetime
    until: datetime
    """The days by which is estimated what things cost."""
    lines: Sequence[Line]
    complete: bool
    max_cost_usd: Usd | None
    """The stack's completionMaxCostUsd."""
    would_be_stopped: bool | None
    """By it; None where there is no such limit, or where it is not about labels that wait."""

    def show(self, screen: Screen) -> None:
        """A table, and what the budget would do."""
        screen.table("OpenAI, planned", _COLUMNS, [_row(line) for line in self.lines])
        if self.max_cost_usd is not None and self.would_be_stopped is not None:
            does = "stops" if self.would_be_stopped else "lets pass"
            screen.say(
                f"completionMaxCostUsd is {dollars(self.max_cost_usd)}: it {does} a submission of "
                "all of them."
            )


def _row(line: Line) -> list[str]:
    as_of = str(line.prices_as_of or "")
    return [line.what, line.amount, shown(line.usd), line.basis, as_of, line.note]


def unknown(what: str, why: str) -> Line:
    """A line of which nobody knows the cost."""
    return Line(what=what, amount="", usd=None, basis=Basis.UNKNOWN, note=why)


def priced(what: str, number: Decimal, unit: str, price: UnitPrice, *, basis: Basis) -> Line:
    """So many units of something."""
    return Line(
        what=what,
        amount=f"{_round(number)} {unit}",
        usd=number * price.usd,
        basis=basis,
        prices_as_of=price.as_of,
    )


def _round(number: Decimal) -> str:
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:,.4f}"


def shown(usd: Decimal | None) -> str:
    """For a person: cents, or as many places as show that it is not nothing."""
    if usd is None:
        return "unknown"
    for places in (2, 4, 6):
        text = f"{usd:,.{places}f}"
        if usd == 0 or Decimal(text.replace(",", "")) != 0:
            return text
    return "< 0.000001"
