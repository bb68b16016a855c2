"""``make faults``: all of the fault schedule, and its table, here and in docs/reliability.md."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from tests.faults import report
from tests.faults.schedule import Outcome
from tests.faults.shares import play_all

_ROOT = Path(__file__).parents[2]
_DOCUMENT = _ROOT / "docs" / "reliability.md"
_BETWEEN_THE_MARKS = re.compile(r"(?<=<!-- begin table -->\n).*(?=<!-- end table -->)", re.DOTALL)
_EXAMPLES = "80"


def main() -> int:
    """0 if everything survived everything."""
    started = time.monotonic()
    console = Console()
    found = play_all(console)
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


def _show(console: Console, found: Sequence[Outcome]) -> None:
    # Narrow, as a terminal may have 80 columns.
    table = Table(
        title="Calls and what went wrong at them: how many survived",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("call", overflow="fold")
    for heading in report.HEADINGS[2:]:
        table.add_column(heading, justify="right")
    for function, calls in groupby(report.rows(found), key=lambda row: row.function):
        table.add_row(f"[bold]{function}[/]")
        for row in calls:
            table.add_row(*row.cells()[1:])
        table.add_section()
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
