"""A server in a process of its own, so that its work is not on the account of what is measured."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast


@contextmanager
def served_by(module: str, *arguments: str) -> Iterator[str]:
    """What ``python -m module`` prints first, such as its port. It ends with its standard input."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield cast("IO[str]", server.stdout).readline().strip()
        finally:
            cast("IO[str]", server.stdin).close()
