"""Reading a web page in a process of its own, which can be given up.

Anybody can write the page. For some junk the libraries that read it take quadratic time, in single
calls that nothing in this process could interrupt, or make a gigabyte of a megabyte. Here such a
page has so many seconds and bytes, and what ends with them is not the function with all its other
documents.
"""

import json
import resource
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from functions.errors import DownloadError, DownloadFailure
from functions.ingest.pages import Page, read_page

# Starting a process takes a third of a second, and the worst page of this many characters takes
# little more than one.
_SHORT = 10_000
# Of the processor's time, so that a busy machine refuses no page. Honest pages of as many tags as
# may be take three to six, twenty megabytes of text four hundred megabytes; and ten pages that use
# up all of it leave something of the function's five minutes, though it has half a processor.
_CPU_SECONDS = 10
_MEMORY_BYTES = 512 * 1024 * 1024

_ROOT = Path(__file__).parents[2]
_OUT_OF_MEMORY = 3

# They share a processor and the function's memory, so side by side they would be no faster.
_one_at_a_time = threading.Lock()


def read_any_page(html: str) -> Page:
    """What ``read_page`` makes of the page, within bounds; DownloadError (TOO_LARGE) past them."""
    if len(html) <= _SHORT:
        return read_page(html)
    with _one_at_a_time:
        done = subprocess.run(  # noqa: S603 - this module, with nothing of the page's
            [sys.executable, "-m", __name__, str(_CPU_SECONDS), str(_MEMORY_BYTES)],
            input=html.encode(),
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            check=False,
        )
    if done.returncode < 0 or done.returncode == _OUT_OF_MEMORY:
        detail = f"a page that takes more than {_CPU_SECONDS} seconds or too much memory to read"
        raise DownloadError(DownloadFailure.TOO_LARGE, detail)
    done.check_returncode()  # no page's fault, so the message is tried again
    answer = json.loads(done.stdout)
    if "failure" in answer:
        raise DownloadError(DownloadFailure(answer["failure"]), answer["detail"])
    return Page(**answer)


def main(cpu_seconds: int, memory_bytes: int) -> None:
    """The page from standard input to JSON on standard output, within these bounds."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    try:
        sys.stdout.write(json.dumps(_answer(sys.stdin.buffer.read().decode())))
    except MemoryError:
        sys.exit(_OUT_OF_MEMORY)


def _answer(html: str) -> dict[str, object]:
    try:
        return asdict(read_page(html))
    except DownloadError as error:
        return {"failure": error.failure, "detail": str(error).removeprefix(f"{error.failure}: ")}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
