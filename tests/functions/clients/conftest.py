"""The servers of a test: started when it asks for them, gone when it is over."""

from collections.abc import Iterator, Mapping

import pytest

from tests.functions.clients.web_server import Respond, Serve, Server


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(respond: Respond | bytes | Mapping[str, bytes], **options: object) -> Server:
        if isinstance(respond, bytes):
            answer = respond
            server = Server(lambda exchange: exchange.send(answer), **options)  # type: ignore[arg-type]
        elif isinstance(respond, Mapping):
            pages = respond
            server = Server(lambda exchange: exchange.send(pages[exchange.path]), **options)  # type: ignore[arg-type]
        else:
            server = Server(respond, **options)  # type: ignore[arg-type]
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
