"""``python -m local`` as a process of its own, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def local(scratch: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command whose temporary files go to ``scratch``; killed if it outlives the block.

    If it is waited for in vain, what it printed and where its threads are goes into the failure.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "local", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONFAULTHANDLER": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        pytest.fail(f"it did not end in time:\n{process.communicate()[0]}")
    finally:
        process.kill()
        process.communicate()


def children(process: subprocess.Popen[str]) -> list[int]:
    """The ids of a process's children."""
    listed = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = (line.split() for line in listed.splitlines())
    return [int(pid) for pid, parent in pairs if int(parent) == process.pid]


def still_there(pids: Sequence[int]) -> list[int]:
    """Those of the processes that still run."""
    return [pid for pid in pids if _runs(pid)]


def listens(url: str) -> bool:
    """Whether somebody takes connections at a URL's host and port."""
    parts = urlsplit(url)
    with socket.socket() as connection:
        return connection.connect_ex((parts.hostname or "", parts.port or 80)) == 0


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
