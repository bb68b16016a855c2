"""The stand-in itself: a server on loopback, its state, and its controls."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from local.standins.openai.answers import Answers
from local.standins.openai.app import Dispatcher
from local.standins.openai.calls import CallLog
from local.standins.openai.faults import Faults, Latency
from local.standins.openai.file_batches import FileBatches
from local.standins.openai.files import Files
from local.standins.openai.plans import Plans
from local.standins.openai.records import FileBatch, Store, StoredFile
from local.standins.openai.responses import Responses
from local.standins.openai.routes import Resource
from local.standins.openai.state import State
from local.standins.openai.store_files import StoreFiles
from local.standins.openai.vector_stores import VectorStores

HOST = "127.0.0.1"
_POLL_SECONDS = 0.01


class OpenAIStandIn:
    """OpenAI on this machine, between ``start`` and ``stop`` or inside a ``with``.

    ``port`` 0 takes a free one. ``api_keys`` are the keys that are accepted; None accepts any.
    ``clock`` gives Unix seconds, and so decides when stores and files expire. ``faults``,
    ``latency``, ``plans`` and ``answers`` say what is to happen, ``calls`` what did. What it holds
    stays when it stops, and is there when it is started again.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        api_keys: Collection[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._wanted_port = port
        self._state = State(clock)
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.plans = Plans()
        self.answers = Answers()
        self.calls = CallLog()
        resources: tuple[Resource, ...] = (
            Files(self._state),
            VectorStores(self._state),
            StoreFiles(self._state),
            FileBatches(self._state, self.plans),
            Responses(self._state, self.answers),
        )
        routes = [route for resource in resources for route in resource.routes()]
        self.operations = tuple(route.operation for route in routes)
        self.faults = Faults(self.operations)
        self.latency = Latency(self.operations)
        self.api_keys = None if api_keys is None else set(api_keys)
        self._app = Dispatcher(
            state=self._state,
            faults=self.faults,
            latency=self.latency,
            calls=self.calls,
            api_keys=self.api_keys,
            stopping=self._stopping,
        ).app(routes)

    def start(self) -> None:
        """Listen and serve in a thread; OSError if the port is taken."""
        if self._server is not None:
            raise RuntimeError("the OpenAI stand-in is running already")
        self._stopping.clear()
        with _listening(self._wanted_port) as listener:
            self._server = _Server(HOST, listener, self._app)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(_POLL_SECONDS,),
            name=f"openai-stand-in-{self._server.port}",
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

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("the OpenAI stand-in is not running: call start() first")
        return self._server.port

    @property
    def base_url(self) -> str:
        """What the SDK takes as ``base_url``."""
        return f"http://{HOST}:{self.port}/v1"

    @property
    def files(self) -> Mapping[str, StoredFile]:
        """The files now held, by id."""
        with self._state.lock:
            return dict(self._state.files)

    @property
    def vector_stores(self) -> Mapping[str, Store]:
        """The vector stores now held, by id, with what is attached to them."""
        with self._state.lock:
            return dict(self._state.stores)

    @property
    def file_batches(self) -> Mapping[str, FileBatch]:
        """The file batches now held, by id."""
        with self._state.lock:
            return dict(self._state.batches)

    def expire_vector_store(self, store_id: str) -> None:
        """End a store's time now."""
        with self._state.lock:
            self._state.stores[store_id].expires_at = self._state.now()


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


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        message = (
            f"the OpenAI stand-in cannot listen on {HOST}:{port}: {reason}; "
            "choose another port, or 0 for a free one"
        )
        raise OSError(error.errno, message) from error
    return listener
