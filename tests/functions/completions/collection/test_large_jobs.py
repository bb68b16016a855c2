"""A job as large as OpenAI allows, collected in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functions.completions.collection import large_job


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_fifty_thousand_lines_are_collected_in_little_memory_and_little_time(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", large_job.__name__, str(tmp_path)]
    root = Path(__file__).parents[4]
    done = subprocess.run(
        command, cwd=root, check=True, capture_output=True, text=True, timeout=110
    )

    took = json.loads(done.stdout.splitlines()[-1])
    assert took["bytes_in"] > 100_000_000
    assert took["bytes_kept"] == took["bytes_in"]
    assert took["chunks"] == took["chunks_written"] == 200
    assert took["grown"] < 64 << 20
    # About the same here; what is slow, or slows down as it goes on, is many times as much.
    assert took["seconds"] < 3 * took["bare_loop_seconds"]
