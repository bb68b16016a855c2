"""What AWS takes for what was counted: lines of ``ops.costs``, the dearest first, as a table."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from docs.generate.markdown import table
from functions.prices import UnitPrice
from ops import aws_prices
from ops.costs.lines import Basis, Bill, Line, priced

_GIGABYTE = 2**30


class Part(StrEnum):
    """What AWS takes money for; the value is its name in the table."""

    TRANSITIONS = "Step Functions"
    LAMBDA_TIME = "Lambda, time"
    LAMBDA_REQUESTS = "Lambda, requests"
    SQS = "SQS"
    READS = "DynamoDB, reads"
    WRITES = "DynamoDB, writes"
    LOGS = "CloudWatch, logs"
    TRACES = "X-Ray"
    SECRETS = "Secrets Manager"
    SCHEDULER = "EventBridge Scheduler"
    OUTGOING = "data transfer out"


_PRICED: Mapping[Part, tuple[str, UnitPrice]] = MappingProxyType(
    {
        Part.TRANSITIONS: ("transitions", aws_prices.STATE_TRANSITION),
        Part.LAMBDA_TIME: ("GB-seconds", aws_prices.LAMBDA_GB_SECOND),
        Part.LAMBDA_REQUESTS: ("requests", aws_prices.LAMBDA_REQUEST),
        Part.SQS: ("requests", aws_prices.SQS_REQUEST),
        Part.READS: ("units", aws_prices.DYNAMODB_READ),
        Part.WRITES: ("units", aws_prices.DYNAMODB_WRITE),
        Part.LOGS: ("GB", aws_prices.LOG_GB),
        Part.TRACES: ("traces", aws_prices.TRACE),
        Part.SECRETS: ("requests", aws_prices.SECRET_READ),
        Part.SCHEDULER: ("starts", aws_prices.SCHEDULED_CALL),
        Part.OUTGOING: ("GB", aws_prices.OUTGOING_GB),
    }
)
_BY_THE_GIGABYTE = frozenset({Part.LOGS, Part.OUTGOING})


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """Of a function, by its name; ``seconds`` are those that Lambda takes money for."""

    function: str
    megabytes: int
    seconds: float

    @property
    def gigabyte_seconds(self) -> float:
        return self.seconds * self.megabytes / 1024


@dataclass(kw_only=True)
class Usage:
    """What was used: numbers of parts, and bytes of those that are paid for by the gigabyte."""

    counted: Counter[Part] = field(default_factory=Counter)
    invocations: list[Invocation] = field(default_factory=list)

    def amounts(self) -> dict[Part, float]:
        """In the units of the prices."""
        amounts = {part: float(number) for part, number in self.counted.items()}
        for part in _BY_THE_GIGABYTE & amounts.keys():
            amounts[part] /= _GIGABYTE
        amounts[Part.LAMBDA_TIME] = sum(each.gigabyte_seconds for each in self.invocations)
        amounts[Part.LAMBDA_REQUESTS] = float(len(self.invocations))
        return amounts


def bill(usage: Usage, *, times: int = 1) -> Bill:
    """A line for each part that was used, the dearest first, for so many times all of it."""
    lines = [_line(part, number * times) for part, number in usage.amounts().items() if number]
    return Bill.of(sorted(lines, key=lambda line: line.usd or Decimal(0), reverse=True))


def _line(part: Part, number: float) -> Line:
    line = priced(part, Decimal(str(number)), *_PRICED[part], basis=Basis.ESTIMATE)
    if part in _BY_THE_GIGABYTE:
        return line.model_copy(update={"amount": f"{number * _GIGABYTE / 1000:,.1f} kB"})
    return line


def usd_of(found: Bill) -> float:
    """Its sum in USD."""
    return float(found.usd or 0)


def bill_table(bills: Mapping[str, Bill]) -> str:
    """A row for each part; the bills have their names for headings, and their parts in common.

    The parts are in the order of the first bill, and how much there was of them is that one's.
    """
    first, *others = bills.values()
    amounts = {line.what: line.amount for each in (*others, first) for line in each.lines}
    usd = [{line.what: float(line.usd or 0) for line in each.lines} for each in bills.values()]
    return table(
        ["part", "how much", *(f"{name}, USD" for name in bills), "share"],
        [
            *(
                [
                    what,
                    amounts[what],
                    *(_usd(each.get(what, 0)) for each in usd),
                    f"{usd[0].get(what, 0) / usd_of(first):.0%}",
                ]
                for what in _in_order(bills.values())
            ),
            ["in all", "", *(_usd(usd_of(each)) for each in bills.values()), ""],
        ],
    )


def prices_as_of(found: Bill) -> str:
    """The days of the oldest and of the newest price."""
    days = [line.prices_as_of for line in found.lines if line.prices_as_of]
    return f"{min(days)} to {max(days)}"


def _in_order(bills: Iterable[Bill]) -> list[str]:
    return list(dict.fromkeys(line.what for each in bills for line in each.lines))


def _usd(usd: float) -> str:
    """With three significant digits, and no exponent."""
    text = f"{Decimal(f'{usd:.3g}'):f}"
    return text if usd else "0"
