"""``make bench``: measure every row, print the table and write it to ``docs/performance.md``;
then simulate, for ``docs/scale.md``.

``python -m benchmarks NAME ...`` measures those rows alone, and writes nothing.
"""

import argparse
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from benchmarks import machine, page
from benchmarks.measured import in_its_own_process
from benchmarks.row import Row
from benchmarks.rows import NAMES


def main() -> int:
    """The status to exit with: 1 if a goal was missed and nothing says why."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=(*NAMES, []), metavar="NAME", default=[])
    names = parser.parse_args().names or NAMES
    console, began = Console(), time.monotonic()
    rows: dict[str, Row] = {}
    for name in names:
        # One after another: each has the machine to itself.
        with console.status(f"measuring {name.replace('_', ' ')}"):
            rows[name] = in_its_own_process(name)
        console.print(f"{name}: {rows[name].ours}")
    console.print(_table(rows))
    console.print(f"on {machine.description()}, in {time.monotonic() - began:.0f} s")
    if names is NAMES:
        text = page.PAGE.read_text(encoding="utf-8")
        page.PAGE.write_text(page.filled(text, rows, machine.description()), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "benchmarks.scale"], check=True)
    unexplained = [name for name, row in rows.items() if not row.is_explained]
    for name in unexplained:
        console.print(f"{name} misses its goal, and nothing says why")
    return 1 if unexplained else 0


def _table(rows: dict[str, Row]) -> Table:
    shown = Table(*page.HEADINGS, show_lines=True)
    for row in rows.values():
        shown.add_row(*page.cells(row))
    return shown


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        sys.exit(str(error))
