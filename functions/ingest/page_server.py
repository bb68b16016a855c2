"""The process that reads web pages, each in a child of its own: ``python -m`` this module.

Starting Python and importing what reads a page takes longer than reading most pages. This process
has done both, has seen no page, and has one thread, so that a copy of it is ready in milliseconds.
"""

import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from typing import NoReturn

from functions.errors import DownloadError
from functions.ingest.page_messages import ANSWER, OUT_OF_MEMORY, REQUEST
from functions.ingest.pages import read_page


def main() -> None:
    """Answer requests from standard input on standard output, until there is no input any more."""
    # An interrupt is the function's business: this process ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while request := sys.stdin.buffer.read(REQUEST.size):
        _answer(*REQUEST.unpack(request))


def _answer(cpu_seconds: int, memory_bytes: int, size: int) -> None:
    html = sys.stdin.buffer.read(size)
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        _read_and_end(html, writable, cpu_seconds, memory_bytes)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    sys.stdout.buffer.write(ANSWER.pack(os.waitstatus_to_exitcode(status), len(answer)))
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _read_and_end(html: bytes, writable: int, cpu_seconds: int, memory_bytes: int) -> NoReturn:
    """Write the page as JSON, within these bounds; the child of a page does nothing else."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    try:
        with os.fdopen(writable, "wb") as pipe:
            pipe.write(json.dumps(_page(html.decode())).encode())
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    # Freeing what it took would only take time.
    os._exit(0)


def _page(html: str) -> dict[str, object]:
    try:
        return asdict(read_page(html))
    except DownloadError as error:
        return {"failure": error.failure, "detail": str(error).removeprefix(f"{error.failure}: ")}


if __name__ == "__main__":
    main()
