"""What became of the fault schedule, as a table of calls and faults."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults.schedule import Outcome
from tests.faults.seam import Fault

_NOT_TRIED = "-"


@dataclass(frozen=True)
class Row:
    """A call of a function: at how many points it is made, and how each fault there ended."""

    function: str
    call: str
    points: int
    survived: dict[Fault, str]

    def cells(self) -> list[str]:
        """The row as texts."""
        ends = [self.survived.get(fault, _NOT_TRIED) for fault in Fault]
        return [self.function, self.call, str(self.points), *ends]


HEADINGS = ["function", "call", "points", *Fault]


def rows(found: Sequence[Outcome]) -> list[Row]:
    """A row for each call of each function, sorted."""
    by_call: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for outcome in found:
        by_call[outcome.case.point.function, outcome.case.point.call].append(outcome)
    return [
        Row(
            function=function,
            call=call,
            # Scenarios make the same points, each of its own.
            points=max(_tried(of_call, fault) for fault in Fault),
            survived={
                fault: _survived(of_call, fault) for fault in Fault if _tried(of_call, fault)
            },
        )
        for (function, call), of_call in sorted(by_call.items())
    ]


def counts(found: Sequence[Outcome]) -> str:
    """The numbers in a sentence."""
    made = rows(found)
    lost = sum(bool(outcome.problem) for outcome in found)
    return (
        f"{len(made)} calls at {sum(row.points for row in made)} points, {len(Fault)} faults, "
        f"{len(found)} cases: {len(found) - lost} survived, {lost} did not."
    )


def markdown(found: Sequence[Outcome]) -> str:
    """The table as Markdown."""
    return "\n".join(_markdown(found))


def _markdown(found: Sequence[Outcome]) -> Iterator[str]:
    yield _line(HEADINGS)
    yield _line(["---", "---", *["---:"] * (len(HEADINGS) - 2)])
    for row in rows(found):
        yield _line([f"`{row.function}`", f"`{row.call}`", *row.cells()[2:]])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _tried(of_call: Sequence[Outcome], fault: Fault) -> int:
    return sum(outcome.case.fault is fault for outcome in of_call)


def _survived(of_call: Sequence[Outcome], fault: Fault) -> str:
    ends = [not outcome.problem for outcome in of_call if outcome.case.fault is fault]
    return str(len(ends)) if all(ends) else f"{sum(ends)} of {len(ends)}"
