"""A small web site on loopback: documents worth ingesting, and pages that go wrong.

The documents are in ``sample_documents/``; what they tell is invented. A page that goes wrong does
so as pages do: it is gone, never answers, has no end, or asks for consent first.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

HOST = "127.0.0.1"
# What the page without end sends before it ends after all: no reader should take that much.
ENDLESS_BYTES = 20_000_000
_DOCUMENTS = Path(__file__).with_name("sample_documents")
_HTML, _PDF = "text/html; charset=utf-8", "application/pdf"
_MARKDOWN, _TEXT = "text/markdown; charset=utf-8", "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Document:
    """A file of ``sample_documents/`` and the type that it is sent as."""

    file: str
    content_type: str


DOCUMENTS: Mapping[str, Document] = {
    "/news/second-line.html": Document("second-line.html", _HTML),
    "/news/gripper-recall.html": Document("gripper-recall.html", _HTML),
    "/news/cold-store-winter.html": Document("cold-store-winter.html", _HTML),
    "/newsroom/article-7": Document("article-7.html", _HTML),
    "/blog/torque-sensors.md": Document("torque-sensors.md", _MARKDOWN),
    "/blog/palletiser-survey.md": Document("palletiser-survey.md", _MARKDOWN),
    "/press/frame-contract.txt": Document("frame-contract.txt", _TEXT),
    "/press/third-quarter.txt": Document("third-quarter.txt", _TEXT),
    "/notes/harbour-tender.txt": Document("harbour-tender.txt", _TEXT),
    "/reports/shareholder-letter.pdf": Document("shareholder-letter.pdf", _PDF),
    "/products/gripper-data-sheet.pdf": Document("gripper-data-sheet.pdf", _PDF),
}
REDIRECTS: Mapping[str, tuple[HTTPStatus, str]] = {
    "/latest-results": (HTTPStatus.FOUND, "/press/2025/q3"),
    "/press/2025/q3": (HTTPStatus.MOVED_PERMANENTLY, "/press/third-quarter.txt"),
}
NEVER_ANSWERS = "/reports/slow-annual-report"
ENDLESS = "/archive/everything.html"
CONSENT_WALL = "/members/outlook-2026.html"
_CONSENT_PAGE = """\
<!doctype html><html><head><title>Before you continue</title><script src="/cmp.js"></script></head>
<body><div id="app"></div><p>We value your privacy.</p><button>Accept all</button></body></html>
"""


class SampleWeb:
    """The site, between ``start`` and ``stop`` or inside a ``with``; its port is a free one."""

    def __init__(self) -> None:
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """The site's address, without a slash at its end."""
        if self._server is None:
            raise RuntimeError("the sample web is not running: call start() first")
        return f"http://{HOST}:{self._server.server_port}"

    def url(self, path: str) -> str:
        """The address of a page."""
        return f"{self.base_url}{path}"

    def start(self) -> Self:
        """Serve in a thread."""
        self._server = _Server()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="sample-web"
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every connection, also those that wait for an answer; twice does no harm."""
        if self._server is None or self._thread is None:
            return
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    """Waits, when it is closed, for the thread of each connection."""

    daemon_threads = False
    # A burst of connections must not wait a second for its packets to be sent again.
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has been served."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own business."""

    def close_connections(self) -> None:
        """Wake whoever still reads or writes."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer, or do not."""
        path = urlsplit(self.path).path
        if path in DOCUMENTS:
            document = DOCUMENTS[path]
            self._send((_DOCUMENTS / document.file).read_bytes(), document.content_type)
        elif path in REDIRECTS:
            status, location = REDIRECTS[path]
            self._send(b"", _TEXT, status, Location=location)
        elif path in self._ODD:
            self._ODD[path](self)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send(
        self,
        body: bytes,
        content_type: str,
        status: HTTPStatus = HTTPStatus.OK,
        **headers: str,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _never_answer(self) -> None:
        self.server.stopping.wait()

    def _send_without_end(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _HTML)
        self.end_headers()
        paragraph = b"<p>Volume after volume, and no table of contents.</p>\n" * 1000
        for _ in range(ENDLESS_BYTES // len(paragraph)):
            self.wfile.write(paragraph)

    def _ask_for_consent(self) -> None:
        self._send(_CONSENT_PAGE.encode(), _HTML)

    _ODD: ClassVar[Mapping[str, Callable[["_Handler"], None]]] = {
        NEVER_ANSWERS: _never_answer,
        ENDLESS: _send_without_end,
        CONSENT_WALL: _ask_for_consent,
    }

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """Print nothing."""
