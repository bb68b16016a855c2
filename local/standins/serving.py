"""What every stand-in is served by: threads on loopback that leave nothing behind."""

import contextlib
import os
import socket
import threading
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

HOST = "127.0.0.1"
_POLL_SECONDS = 0.01


class Serving:
    """A WSGI app on a port of loopback, between ``start`` and ``stop``; port 0 takes a free one.

    ``name`` is for messages. Whoever waits inside the app should wait for ``stopping``.
    """

    def __init__(self, name: str, app: Any, port: int, stopping: threading.Event) -> None:
        self._name = name
        self._app = app
        self._wanted_port = port
        self._stopping = stopping
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError(f"the {self._name} is not running: call start() first")
        return self._server.port

    def start(self) -> None:
        """Listen and serve in a thread; OSError if the port is taken."""
        if self._server is not None:
            raise RuntimeError(f"the {self._name} is running already")
        self._stopping.clear()
        with _listening(self._name, self._wanted_port) as listener:
            self._server = _Server(HOST, listener, self._app)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(_POLL_SECONDS,),
            name=f"{self._name} {self._server.port}",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Release whoever waits, close every connection, and wait for the threads' end."""
        if self._server is None or self._thread is None:
            return
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server = self._thread = None


class _Server(ThreadedWSGIServer):
    """A threaded server that knows its connections, so that stopping leaves none behind."""

    def __init__(self, host: str, listener: socket.socket, app: Any) -> None:
        # With a socket of ours: werkzeug's own answer to a busy port is to end the process.
        super().__init__(host, 0, app, _QuietHandler, fd=listener.fileno())
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has been served."""
        super().shutdown_request(request)
        with self._lock:
            self._open.pop(request, None)

    def close_connections(self) -> None:
        """Close what is still open and wait for its threads."""
        with self._lock:
            still_open = dict(self._open)
        for connection, thread in still_open.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()


class _QuietHandler(WSGIRequestHandler):
    """The call log is the log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""


def _listening(name: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        message = (
            f"the {name} cannot listen on {HOST}:{port}: {reason}; "
            "choose another port, or 0 for a free one"
        )
        raise OSError(error.errno, message) from error
    return listener
