"""All of the schedule, shared out to as many processes as there are processors."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from rich.console import Console

from tests.faults import report
from tests.faults.scenarios import SCENARIOS
from tests.faults.schedule import Case, Outcome, Scenario, cases, outcomes, points
from tests.faults.seam import Point
from tests.faults.world import NewWorld, worlds


def play_all(console: Console) -> list[Outcome]:
    """What became of each case of each scenario, which ``console`` is told of."""
    shares = os.cpu_count() or 1
    found: list[Outcome] = []
    # Not forked: each process has a moto and two servers of its own.
    with ProcessPoolExecutor(shares, multiprocessing.get_context("spawn")) as processes:
        # Found once for all, so that no case falls between two shares.
        chosen = [
            cases(found_points) for found_points in processes.map(_points, range(len(SCENARIOS)))
        ]
        work = [
            [processes.submit(_play, number, of_scenario[share::shares]) for share in range(shares)]
            for number, of_scenario in enumerate(chosen)
        ]
        for scenario, its_work in zip(SCENARIOS, work, strict=True):
            played = [outcome for each in its_work for outcome in each.result()]
            console.print(f"{scenario.name}: {report.counts(played)}")
            found += played
    return found


def _points(number: int) -> list[Point]:
    """Those of a scenario, by its number."""
    with _worlds(SCENARIOS[number]) as new_world:
        return points(SCENARIOS[number], new_world)


def _play(number: int, chosen: Sequence[Case]) -> list[Outcome]:
    """What became of these cases of a scenario, by its number."""
    with _worlds(SCENARIOS[number]) as new_world:
        return list(outcomes(SCENARIOS[number], new_world, chosen))


@contextmanager
def _worlds(scenario: Scenario) -> Iterator[NewWorld]:
    """Worlds of a scenario's configuration, whose functions write their metrics nowhere."""
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        worlds(scenario.config) as new_world,
    ):
        yield new_world
