"""A server on loopback that gives every request the same answer, whatever it was told to give."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from hypothesis import strategies as st

from tests.functions.bad_input.inputs import DEEP, json_values

JSON = b"application/json"


class AnsweringServer(ThreadingHTTPServer):
    """Listens between ``__enter__`` and ``__exit__``. ``answer`` is sent as it is."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = b""
        self.requests = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def give(self, answer: bytes) -> None:
        """From now on."""
        self.answer, self.requests = answer, 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: AnsweringServer

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests += 1
        self.wfile.write(self.server.answer)
        self.close_connection = True

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def answer(
    body: bytes, *, status: int = 200, content_type: bytes = JSON, more: bytes = b""
) -> bytes:
    """A whole answer, after which the connection is closed; ``more`` are header lines."""
    head = b"HTTP/1.1 %d Said\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n"
    return head % (status, content_type, len(body)) + more + b"\r\n" + body


def answering(value: Any) -> bytes:
    """An answer of 200 with that JSON."""
    return answer(json.dumps(value).encode())


RETRY_AFTER = (
    b"-1", b"0", b"nan", b"inf", b"1e999", b"9" * 400, b"soon", b"\xff", b"",
    b"Fri, 99 Foo 99999 99:99:99 GMT", b"Fri, 31 Dec 9999 23:59:59 GMT",
)  # fmt: skip
_BODIES = (
    b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b'"', b'"\\ud83d"', b"9" * 5_000, b"NaN",
    b'{"error": null}', b'{"error": 7}', b'{"error": {"message": 7, "code": []}}',
    b'{"error": {"message": "' + b"x" * 500_000 + b'"}}', DEEP.encode(), b"<html>Sorry</html>",
)  # fmt: skip
bodies = (
    st.sampled_from(_BODIES)
    | st.binary(max_size=40)
    | json_values.map(lambda value: json.dumps(value).encode())
)
_statuses = st.sampled_from(
    [200, 200, 200, 201, 204, 206, 301, 304, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503]
) | st.integers(200, 599)
_content_types = st.sampled_from(
    [
        JSON,
        JSON,
        b"text/html",
        b"",
        b"application/json; charset=utf-99",
        b"text/plain",
        b"\xff/\xfe",
    ]
)
_more_headers = st.sampled_from(
    [
        b"",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: unheard-of\r\n",
        b"X-Request-Id: \xff\xfe\r\n",
        b"X-Should-Retry: true\r\n",
        b"Location: ::nowhere::\r\n",
        b"Location: /\r\n",
    ]
) | st.sampled_from(RETRY_AFTER).map(lambda value: b"Retry-After: %s\r\n" % value)
_broken = st.sampled_from(
    [
        b"",
        b"\x00\xff",
        b"HTTP/9.9 200\r\n\r\n",
        b"HTTP/1.1 999999 Yes\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2_000 + b"\r\n",
    ]
)
any_answers = _broken | st.builds(
    lambda body, status, content_type, more: answer(
        body, status=status, content_type=content_type, more=more
    ),
    bodies,
    _statuses,
    _content_types,
    _more_headers,
)
