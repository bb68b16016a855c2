"""Downloads over TLS: verified on the name, though the address is pinned."""

import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functions.clients import web
from functions.clients.web import download, tls_context
from functions.errors import DownloadFailure
from tests.functions.clients.web_server import (
    Exchange,
    Names,
    Respond,
    Serve,
    failure,
    limits,
    make_certificate,
    redirect,
    reply,
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "name.test")


class TlsServer:
    """A server with that certificate, what name each client asked for, and who trusts it."""

    def __init__(self, serve: Serve, certificate: Path, respond: Respond | bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.asked_for: list[str | None] = []
        context.sni_callback = lambda _, name, __: self.asked_for.append(name)
        self.server = serve(respond, tls=context)
        self.limits = limits(ports=frozenset({self.server.port}))
        self.trust = ssl.create_default_context(cafile=certificate)

    def url(self, host: str) -> str:
        return self.server.url(host=host, scheme="https")


NAMES = Names(name_test=["127.0.0.1"], other_test=["127.0.0.1"])


def test_tls_is_verified_on_the_name_though_the_address_is_pinned(
    serve: Serve, certificate: Path
) -> None:
    tls = TlsServer(serve, certificate, reply(body=b"safe"))
    fetched = download(tls.url("name.test"), tls.limits, NAMES, lambda: tls.trust)
    assert fetched.body == b"safe"
    assert tls.asked_for == ["name.test"]
    assert f"Host: name.test:{tls.server.port}\r\n" in tls.server.heads[0]


@pytest.mark.parametrize("host", ["other.test", "127.0.0.1"])
def test_a_certificate_for_another_name_is_no_connection(
    serve: Serve, certificate: Path, host: str
) -> None:
    tls = TlsServer(serve, certificate, reply(body=b"safe"))
    error = failure(tls.url(host), tls.limits, resolve=NAMES, tls=lambda: tls.trust)
    assert error.failure is DownloadFailure.NO_CONNECTION
    assert "certificate" in str(error).lower()
    assert tls.server.heads == []


def test_a_certificate_that_only_the_environment_trusts_is_no_connection(
    serve: Serve, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    web._tls_context.cache_clear()
    tls = TlsServer(serve, certificate, reply(body=b"safe"))
    error = failure(tls.url("name.test"), tls.limits, resolve=NAMES)
    assert error.failure is DownloadFailure.NO_CONNECTION


def test_a_connection_is_not_used_for_another_name_at_the_same_address(
    serve: Serve, certificate: Path
) -> None:
    def respond(exchange: Exchange) -> None:
        exchange.send(redirect(tls.url("other.test")))
        exchange.stopped.wait(0.1)

    tls = TlsServer(serve, certificate, respond)
    error = failure(tls.url("name.test"), tls.limits, resolve=NAMES, tls=lambda: tls.trust)
    assert error.failure is DownloadFailure.NO_CONNECTION
    assert len(tls.server.heads) == 1


def test_a_tls_server_that_never_closes_holds_nobody_up(serve: Serve, certificate: Path) -> None:
    def hold(exchange: Exchange) -> None:
        exchange.send(reply(body=b"done"))
        exchange.stopped.wait(5)

    tls = TlsServer(serve, certificate, hold)
    began = time.monotonic()
    fetched = download(tls.url("name.test"), tls.limits, NAMES, lambda: tls.trust)
    assert fetched.body == b"done"
    assert time.monotonic() - began < 2


def test_a_plain_server_behind_https_is_no_connection(serve: Serve) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def speak_plainly() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(reply("400 Bad Request"))

    speaker = threading.Thread(target=speak_plainly)
    speaker.start()
    with listener:
        error = failure(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        speaker.join()
    assert error.failure is DownloadFailure.NO_CONNECTION


def test_a_connection_that_breaks_off_inside_tls_is_no_connection(
    serve: Serve, certificate: Path
) -> None:
    def break_off(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
        os.write(exchange.connection.fileno(), b"no record of TLS at all")

    tls = TlsServer(serve, certificate, break_off)
    error = failure(tls.url("name.test"), tls.limits, resolve=NAMES, tls=lambda: tls.trust)
    assert error.failure is DownloadFailure.NO_CONNECTION


def test_a_host_that_tls_cannot_take_is_a_bad_response(serve: Serve) -> None:
    class Picky(ssl.SSLContext):
        def wrap_bio(self, *_: object, **__: object) -> ssl.SSLObject:
            raise ValueError("server_hostname cannot be that")

    server = serve(b"")
    error = failure(server.url(scheme="https"), tls=lambda: Picky(ssl.PROTOCOL_TLS_CLIENT))
    assert error.failure is DownloadFailure.BAD_RESPONSE


def test_ten_threads_make_one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    everybody = threading.Barrier(10)

    def make(**_: object) -> ssl.SSLContext:
        time.sleep(0.05)  # as long as the certificates take to read
        made.append(ssl.create_default_context())
        return made[-1]

    def ask(_: int) -> ssl.SSLContext:
        everybody.wait()
        return tls_context()

    monkeypatch.setattr("functions.clients.web.httpx2.create_ssl_context", make)
    web._tls_context.cache_clear()
    with ThreadPoolExecutor(10) as threads:
        contexts = set(threads.map(ask, range(10)))
    web._tls_context.cache_clear()
    assert contexts == set(made)
    assert len(made) == 1


def test_the_tls_context_verifies_and_stays_as_it_is() -> None:
    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert "set_alpn_protocols" in vars(context), "a handshake may be copying what this frees"
