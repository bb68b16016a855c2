"""Reading a web page in a process of its own, which can be given up.

Anybody can write the page. For some junk the libraries that read it take quadratic time, in single
calls that nothing in this process could interrupt, or make a gigabyte of a megabyte. Here such a
page has so many seconds and bytes, and what ends with them is not the function with all its other
documents, nor the process that waits for the next page.
"""

import atexit
import json
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from functions.errors import DownloadError, DownloadFailure
from functions.ingest.page_messages import ANSWER, OUT_OF_MEMORY, REQUEST, Page

# Of the processor's time, so that a busy machine refuses no page. Honest pages of as many tags as
# may be take three to six, twenty megabytes of text four hundred megabytes; and ten pages that use
# up all of it leave something of the function's five minutes, though it has half a processor.
_CPU_SECONDS = 10
_MEMORY_BYTES = 512 * 1024 * 1024

_ROOT = Path(__file__).parents[2]
# Not imported here, with the libraries that read pages: this process does not need them.
_SERVER = "functions.ingest.page_server"


def read_any_page(html: str) -> Page:
    """What ``pages.read_page`` makes of it, within bounds; DownloadError (TOO_LARGE) past them."""
    status, said = _reading.ask(html.encode())
    if status < 0 or status == OUT_OF_MEMORY:
        detail = f"a page that takes more than {_CPU_SECONDS} seconds or too much memory to read"
        raise DownloadError(DownloadFailure.TOO_LARGE, detail)
    if status:  # no page's fault, so the message is tried again
        raise subprocess.CalledProcessError(status, _SERVER)
    answer = json.loads(said)
    if "failure" in answer:
        raise DownloadError(DownloadFailure(answer["failure"]), answer["detail"])
    return Page(**answer)


class _Server:
    """A process of ``page_server``."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            # It ends when this end of the pair is closed: with this process, however that ends.
            self._stream = ours.makefile("rwb")
            self._process = subprocess.Popen(  # noqa: S603 - a module of ours
                [sys.executable, "-m", _SERVER],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                cwd=_ROOT,
            )
        atexit.register(self.end)

    def ask(self, html: bytes) -> tuple[int, bytes]:
        """How the page's own process ended, and what it said."""
        self._stream.write(REQUEST.pack(_CPU_SECONDS, _MEMORY_BYTES, len(html)))
        self._stream.write(html)
        self._stream.flush()
        status, size = ANSWER.unpack(self._stream.read(ANSWER.size))
        return status, self._stream.read(size)

    def end(self) -> int:
        """End it, if it has not ended; its exit status."""
        self._process.kill()
        with suppress(ConnectionError):  # what was not sent yet
            self._stream.close()
        return self._process.wait()


class _Reading:
    """The server, which is started for the first page and after one that it did not outlive."""

    def __init__(self) -> None:
        self._server: _Server | None = None
        # Pages share a processor and the function's memory: side by side they would be no faster.
        self._one_at_a_time = threading.Lock()

    def ask(self, html: bytes) -> tuple[int, bytes]:
        """What a server says; CalledProcessError if it ended instead."""
        with self._one_at_a_time:
            server, self._server = self._server or _Server(), None
            try:
                answered = server.ask(html)
            except (ConnectionError, struct.error) as error:
                raise subprocess.CalledProcessError(server.end(), _SERVER) from error
            except BaseException:
                server.end()  # what it says next is about this page
                raise
            self._server = server
            return answered


_reading = _Reading()
