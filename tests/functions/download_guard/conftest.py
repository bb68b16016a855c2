"""The internet that the download guard's cases go out to."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functions.clients.web_server import Server, make_certificate, reply
from tests.functions.download_guard.internet import Internet


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "public.test", "xn--bcher-kva.test")


@pytest.fixture
def internet(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    """One where every address that is alive says hello."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = Internet(
        server=Server(lambda exchange: exchange.send(reply(body=b"hello"))),
        tls_server=Server(lambda exchange: exchange.send(reply(body=b"hello")), tls=context),
        trust=ssl.create_default_context(cafile=certificate),
    )
    monkeypatch.setattr("anyio.connect_tcp", made.connect)
    yield made
    made.server.stop()
    made.tls_server.stop()
