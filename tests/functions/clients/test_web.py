"""Downloads from real servers: what comes back, and how each failure is named."""

import gzip
import itertools
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.clients.web import Fetched, download
from functions.errors import DownloadError, DownloadFailure
from tests.functions.clients.web_server import (
    DEADLINE,
    Exchange,
    Respond,
    Serve,
    failure,
    limits,
    redirect,
    reply,
)


def test_a_page_comes_back_with_its_type_and_bytes(serve: Serve) -> None:
    server = serve(reply(body=b"\x00hello\xff", Content_Type="text/html; charset=x"))
    fetched = download(server.url("/a?b=c"), limits())
    assert fetched == Fetched(
        url=server.url("/a?b=c"), content_type="text/html; charset=x", body=b"\x00hello\xff"
    )


def test_no_content_type_is_an_empty_one(serve: Serve) -> None:
    assert download(serve(reply(body=b"x")).url(), limits()).content_type == ""


def test_the_request_is_plain_and_names_its_host_once(serve: Serve) -> None:
    server = serve(reply(body=b"x"))
    download(server.url("/caf\u00e9/%7Ea?q=a|b#fragment"), limits())
    request, *fields = server.heads[0].strip().split("\r\n")
    assert request == "GET /caf%C3%A9/%7Ea?q=a|b HTTP/1.1"
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    assert len(headers) == len(fields)
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["accept-encoding"] == "gzip, deflate"
    assert "openai-batch-flows" in headers["user-agent"]
    assert headers.keys() == {"host", "user-agent", "accept", "accept-encoding"}


def test_nothing_of_the_environment_is_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(reply(body=b"x"))
    assert download(server.url(), limits()).body == b"x"
    assert "authorization" not in server.heads[0].lower()


def test_a_body_that_ends_with_the_connection_is_whole(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\n\r\nhello")
    assert download(server.url(), limits()).body == b"hello"


def test_a_chunked_body_is_put_together(serve: Serve) -> None:
    server = serve(reply(body=b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", Transfer_Encoding="chunked"))
    assert download(server.url(), limits()).body == b"hello"


def test_ten_threads_download_at_once(serve: Serve) -> None:
    server = serve(lambda exchange: exchange.send(reply(body=exchange.path.encode())))
    with ThreadPoolExecutor(10) as threads:
        urls = [server.url(f"/{number}") for number in range(30)]
        bodies = [fetched.body for fetched in threads.map(lambda u: download(u, limits()), urls)]
    assert bodies == [f"/{number}".encode() for number in range(30)]


def test_an_address_of_version_6_is_reached(serve: Serve) -> None:
    try:
        server = serve(reply(body=b"six"), host="::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    assert download(server.url(host="[::1]"), limits()).body == b"six"
    assert f"Host: [::1]:{server.port}" in server.heads[0]


def test_a_body_of_just_the_limit_is_taken(serve: Serve) -> None:
    assert len(download(serve(reply(body=b"x" * 1000)).url(), limits(max_bytes=1000)).body) == 1000


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(body=b"x" * 1001), id="with its length"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, id="without a length"),
        pytest.param(
            reply(
                body=b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",
                Transfer_Encoding="chunked",
                Content_Length="5",
            ),
            id="with a length that is a lie",
        ),
        pytest.param(
            reply(body=gzip.compress(b"x" * 1001), Content_Encoding="gzip"), id="once unpacked"
        ),
        pytest.param(
            reply(body=os.urandom(1100), Content_Encoding="gzip"), id="before it is unpacked"
        ),
    ],
)
def test_a_body_past_the_limit_is_too_large(serve: Serve, answer: bytes) -> None:
    error = failure(serve(answer).url(), limits(max_bytes=1000))
    assert error.failure is DownloadFailure.TOO_LARGE
    assert "1000" in str(error)


def test_a_length_past_the_limit_is_refused_before_the_body(serve: Serve) -> None:
    def promise(exchange: Exchange) -> None:
        exchange.send(reply(Content_Length="1001"))
        exchange.stopped.wait(5)

    error = failure(serve(promise).url(), limits(max_bytes=1000, timeout_seconds=2))
    assert error.failure is DownloadFailure.TOO_LARGE


def test_an_endless_body_is_cut_off_at_the_limit(serve: Serve) -> None:
    def pour(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while not exchange.stopped.is_set():
            exchange.send(b"x" * 65536)

    assert failure(serve(pour).url()).failure is DownloadFailure.TOO_LARGE


@pytest.mark.parametrize(
    "answer",
    [
        reply(),
        reply("204 No Content"),
        reply("205 Reset Content"),
        reply(Content_Encoding="gzip"),
        reply(body=gzip.compress(b"", mtime=0), Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_nothing_is_empty(serve: Serve, answer: bytes) -> None:
    assert failure(serve(answer).url()).failure is DownloadFailure.EMPTY


@pytest.mark.parametrize(
    "status", [206, 300, 304, 305, 400, 401, 403, 404, 410, 429, 451, 500, 502, 503, 599, 999]
)
def test_another_status_than_success_is_named(serve: Serve, status: int) -> None:
    error = failure(serve(reply(f"{status} No", body=b"" if status == 304 else b"x")).url())
    assert error.failure is DownloadFailure.HTTP_STATUS
    assert str(status) in str(error)


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "203 Non-Authoritative"])
def test_any_whole_success_is_taken(serve: Serve, status: str) -> None:
    assert download(serve(reply(status, body=b"x")).url(), limits()).body == b"x"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", id="no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", id="two lengths"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", id="cut short"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", id="no end"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfoo\r\n", id="no chunk"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000, id="endless header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 50_000 + b"\r\n", id="many headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"bad header " * 500 + b"\r\n\r\n", id="no header"),
    ],
)
def test_what_is_not_http_is_a_bad_response(serve: Serve, answer: bytes) -> None:
    assert failure(serve(answer).url()).failure is DownloadFailure.BAD_RESPONSE


def test_a_connection_lost_on_the_way_is_no_connection(serve: Serve) -> None:
    def break_off(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
        exchange.reset()

    assert failure(serve(break_off).url()).failure in {
        DownloadFailure.NO_CONNECTION,
        DownloadFailure.BAD_RESPONSE,
    }


def test_a_port_where_nobody_listens_is_no_connection(serve: Serve) -> None:
    server = serve(b"")
    server.stop()
    error = failure(server.url())
    assert error.failure is DownloadFailure.NO_CONNECTION
    assert str(server.port) in str(error)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", reply(body=b"")]))
@example(b"Location: http://[::1\r\n\r\n", b"HTTP/1.1 302 Found\r\n")
def test_whatever_a_server_sends_is_a_page_or_a_download_error(
    serve: Serve, sent: bytes, before: bytes
) -> None:
    server = serve(before + sent)
    with suppress(DownloadError):
        download(server.url(), limits(timeout_seconds=2))
    server.stop()


def drip_head(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    exchange.drip(f"X-{number}: x\r\n".encode() for number in itertools.count())


def drip_body(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    exchange.drip(itertools.repeat(b"x"))


def never_answer(exchange: Exchange) -> None:
    exchange.stopped.wait(5)


def answer_early_for_ever(exchange: Exchange) -> None:
    while not exchange.stopped.is_set():
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)


def redirect_slowly(exchange: Exchange) -> None:
    exchange.stopped.wait(0.2)
    exchange.send(redirect(f"{exchange.path}x"))


@pytest.mark.parametrize(
    "respond", [drip_head, drip_body, never_answer, answer_early_for_ever, redirect_slowly]
)
def test_one_deadline_holds_for_all_of_a_download(serve: Serve, respond: Respond) -> None:
    allowed = limits(timeout_seconds=DEADLINE, max_redirects=50)
    assert failure(serve(respond).url(), allowed).failure is DownloadFailure.TIMEOUT


def test_a_handshake_that_never_ends_meets_the_deadline(serve: Serve) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        error = failure(url, limits(timeout_seconds=DEADLINE))
    assert error.failure is DownloadFailure.TIMEOUT


def test_a_name_server_that_never_answers_meets_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        answered.wait(5)
        return []

    monkeypatch.setattr("functions.clients.web.socket.getaddrinfo", hang)
    error = failure("http://slow.test/", limits(timeout_seconds=DEADLINE))
    assert error.failure is DownloadFailure.TIMEOUT
    answered.set()
    for thread in threading.enumerate():
        if thread.name == "resolve":
            assert thread.daemon, "the process could not end before the name server answers"
            thread.join()


def test_the_answer_counts_even_if_the_server_never_closes(serve: Serve) -> None:
    def hold(exchange: Exchange) -> None:
        exchange.send(reply(body=b"done"))
        exchange.stopped.wait(5)

    began = time.monotonic()
    assert download(serve(hold).url(), limits()).body == b"done"
    assert time.monotonic() - began < 2
