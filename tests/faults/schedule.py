"""The fault schedule: every call that a scenario makes, with everything that can happen to it."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.faults.seam import Fault, Point, faults_of
from tests.faults.world import NewWorld, World


class Scenario(Protocol):
    """Something that the flows do, from its beginning until all is at rest."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    @property
    def config(self) -> Mapping[str, str]:
        """The stack's configuration, on top of the stack ``local``."""

    def prepare(self, world: World) -> None:
        """Put into an empty world what is there at the beginning."""

    def run(self, world: World) -> None:
        """Do what production does, again and again, until nothing is left to be done.

        AssertionError if that does not come to an end, or if anything is wrong on the way.
        """

    def check(self, world: World) -> None:
        """AssertionError if anything was lost, was done twice, or is left over."""


@dataclass(frozen=True, order=True)
class Case:
    """One fault at one call."""

    point: Point
    fault: Fault

    def __str__(self) -> str:
        return f"{self.point}, {self.fault}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a case; ``problem`` is empty if the flows survived it."""

    case: Case
    problem: str


def points(scenario: Scenario, new_world: NewWorld) -> list[Point]:
    """Every call that the scenario makes when nothing goes wrong, in their order."""
    world = new_world()
    _play(scenario, world)
    return list(dict.fromkeys(world.seam.made))


def cases(found: Sequence[Point]) -> list[Case]:
    """Every fault at every call."""
    return [Case(point, fault) for point in found for fault in faults_of(point.call)]


def one_fault_each(found: Sequence[Point]) -> list[Case]:
    """Every call of every function once, with all faults in turn."""
    first_points = {(point.function, point.call): point for point in reversed(found)}
    chosen = []
    for number, point in enumerate(sorted(first_points.values())):
        possible = faults_of(point.call)
        chosen.append(Case(point, possible[number % len(possible)]))
    return chosen


def outcomes(scenario: Scenario, new_world: NewWorld, chosen: Sequence[Case]) -> Iterator[Outcome]:
    """Play the scenario once for each case."""
    for case in chosen:
        world = new_world()
        world.seam.planned[case.point] = case.fault
        try:
            _play(scenario, world)
            assert world.seam.happened == [(case.point, case.fault)], "the fault never happened"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this case's outcome
            yield Outcome(case=case, problem=_described(error))
        else:
            yield Outcome(case=case, problem="")


def _play(scenario: Scenario, world: World) -> None:
    scenario.prepare(world)
    scenario.run(world)
    scenario.check(world)
    assert not world.seam.unseen, f"past the seam: {world.seam.unseen}"


def _described(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {where.name}: {error}"
