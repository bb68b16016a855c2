"""``make faults``: all of the fault schedule, and its table, here and in docs/reliability.md."""

import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults import report
from tests.faults.scenarios import SCENARIOS
from tests.faults.schedule import Outcome, cases, outcomes, points
from tests.faults.world import worlds

_ROOT = Path(__file__).parents[2]
_DOCUMENT = _ROOT / "docs" / "reliability.md"
_BETWEEN_THE_MARKS = re.compile(r"(?<=<!-- begin table -->\n).*(?=<!-- end table -->)", re.DOTALL)
_EXAMPLES = "80"


def main() -> int:
    """0 if everything survived everything."""
    started = time.monotonic()
    console = Console()
    found = _play_all(console)
    _show(console, found)
    _DOCUMENT.write_text(
        _BETWEEN_THE_MARKS.sub(
            lambda _: f"{report.counts(found)}\n\n{report.markdown(found)}\n",
            _DOCUMENT.read_text(),
        )
    )
    others = _random_and_embedded()
    console.print(f"{(time.monotonic() - started) / 60:.1f} minutes in all")
    return int(any(outcome.problem for outcome in found) or others)


def _play_all(console: Console) -> list[Outcome]:
    shares = os.cpu_count() or 1
    found: list[Outcome] = []
    # Not forked: each process has a moto and two servers of its own.
    with ProcessPoolExecutor(shares, multiprocessing.get_context("spawn")) as processes:
        for number, scenario in enumerate(SCENARIOS):
            started = time.monotonic()
            work = [processes.submit(_play, number, share, shares) for share in range(shares)]
            played = [outcome for each in work for outcome in each.result()]
            console.print(
                f"{scenario.name}: {report.counts(played)} {time.monotonic() - started:.0f} s"
            )
            found += played
    return found


def _play(number: int, share: int, shares: int) -> list[Outcome]:
    """Every so-manyth case of a scenario."""
    scenario = SCENARIOS[number]
    # The functions write their metrics there.
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        worlds(scenario.config) as new_world,
    ):
        chosen = cases(points(scenario, new_world))[share::shares]
        return list(outcomes(scenario, new_world, chosen))


def _show(console: Console, found: Sequence[Outcome]) -> None:
    table = Table(*report.HEADINGS, title="Calls and what went wrong at them: how many survived")
    for row in report.rows(found):
        table.add_row(*row.cells())
    console.print(table)
    for outcome in found:
        if outcome.problem:
            console.print(f"[red]{outcome.case}[/]\n    {outcome.problem}", highlight=False)
    console.print(report.counts(found))


def _random_and_embedded() -> int:
    """The random schedule at length, and a fault for each state in the embedded AWS."""
    tests = ["tests/faults", "tests/local/test_state_faults.py"]
    command = [sys.executable, "-m", "pytest", "-m", ""]
    environment = {**os.environ, "FAULTS_EXAMPLES": _EXAMPLES}
    return subprocess.run([*command, *tests], cwd=_ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
