"""One row, measured in a process of its own: nothing is imported, cached or grown before it."""

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.row import Row

_MOST_SECONDS = 240


def in_its_own_process(name: str) -> Row:
    """What ``benchmarks.rows.{name}`` measures.

    CalledProcessError if it failed, TimeoutExpired if it never ended; it says why on stderr.
    """
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.measured", name, result.name],
            check=True,
            # The functions write their metrics there.
            stdout=subprocess.DEVNULL,
            timeout=_MOST_SECONDS,
        )
        return Row.model_validate_json(Path(result.name).read_bytes())


def _main() -> None:
    name, result = sys.argv[1:]
    row: Row = importlib.import_module(f"benchmarks.rows.{name}").measure()
    Path(result).write_text(row.model_dump_json())


if __name__ == "__main__":
    _main()
