"""An internet on this machine: public addresses with servers behind them, names, and a record.

The downloads under test have the limits of production: what they connect to is a public address
on port 80 or 443, and only the connection itself is led to a server on this machine.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.abc

from functions.clients.web import DownloadLimits, Fetched, download
from functions.errors import DownloadError
from tests.functions.clients.web_server import Respond, Server, failure, limits

PUBLIC, ALSO_PUBLIC, PUBLIC_V6 = "93.184.216.34", "8.8.8.8", "2606:4700::1111"
DEAD, DEAD_V6 = "1.1.1.1", "2606:4700::dead"

Answers = Mapping[str, Sequence[Sequence[str]]]  # of each name, one after the other; the last stays


@dataclass
class Internet:
    """Where each address leads, what each name resolves to, and what was asked and reached."""

    server: Server  # behind each public address that is not dead, on port 80
    tls_server: Server  # the same on port 443
    trust: ssl.SSLContext
    names: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    reached: list[tuple[str, int]] = field(default_factory=list)

    def answer(self, answer: bytes | Respond) -> None:
        """What both servers say from now on."""
        respond = answer if callable(answer) else lambda exchange: exchange.send(answer)
        self.server.respond = self.tls_server.respond = respond

    def name(self, answers: Answers) -> None:
        self.names |= {name: list(each) for name, each in answers.items()}

    async def resolve(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names.get(host, [[PUBLIC]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def connect(
        self, remote_host: str, remote_port: int, **_: object
    ) -> anyio.abc.SocketStream:
        """In place of ``anyio.connect_tcp``: the one door through which a download goes out."""
        self.reached.append((remote_host, remote_port))
        servers = {80: self.server, 443: self.tls_server}
        if remote_host not in {PUBLIC, ALSO_PUBLIC, PUBLIC_V6} or remote_port not in servers:
            raise ConnectionRefusedError("nobody listens there")
        return await _connect_tcp("127.0.0.1", servers[remote_port].port)

    def fetch(self, url: str, **changes: object) -> Fetched:
        return download(url, _limits(**changes), self.resolve, lambda: self.trust)

    def refusal(self, url: str, **changes: object) -> DownloadError:
        allowed = _limits(**changes)
        return failure(url, allowed, resolve=self.resolve, tls=lambda: self.trust)


def _limits(**changes: object) -> DownloadLimits:
    """Production's, with time for a machine that is busy with other tests."""
    return limits(**{"allow_loopback": False, "timeout_seconds": 60.0, **changes})


_connect_tcp = anyio.connect_tcp
