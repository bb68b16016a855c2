"""Servers on this machine that answer byte by byte, and what a download of theirs needs."""

import datetime as dt
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from functions.clients.web import DownloadLimits, download
from functions.errors import DownloadError

DEADLINE = 0.5  # seconds


class Exchange:
    """One request at a server, to be answered byte by byte if need be."""

    def __init__(self, connection: socket.socket, head: str, stopped: threading.Event) -> None:
        self.connection = connection
        self.head = head
        self.path = head.split(" ")[1]
        self.stopped = stopped

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, chunks: Iterator[bytes]) -> None:
        """A chunk every 50 ms until the client has gone or the test is over."""
        for chunk in chunks:
            if self.stopped.wait(0.05):
                return
            self.send(chunk)

    def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


Respond = Callable[[Exchange], None]


class Server:
    """Answers each connection's one request in a thread, and remembers the requests."""

    def __init__(
        self, respond: Respond, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.respond = respond
        self.tls = tls
        self.heads: list[str] = []
        self.connections = 0
        self.stopped = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def stop(self) -> None:
        if self.stopped.is_set():
            return
        self.stopped.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=[connection])
                self.threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with suppress(OSError), connection:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                head = ""
                while not head.endswith("\r\n\r\n"):
                    received = connection.recv(65536).decode("latin-1")
                    if not received:
                        return
                    head += received
                self.heads.append(head)
                self.respond(Exchange(connection, head, self.stopped))


Serve = Callable[..., Server]


class Names:
    """A resolver that knows these names, and what it was asked."""

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.answers[host]


def limits(**changes: object) -> DownloadLimits:
    defaults = {"max_bytes": 100_000, "timeout_seconds": 5.0, "allow_loopback": True}
    return DownloadLimits(**{**defaults, **changes})  # type: ignore[arg-type]


def reply(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """A whole answer; its length is declared unless a header says otherwise."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if not {"Content-Length", "Transfer-Encoding"} & fields.keys():
        fields["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def redirect(location: str, status: str = "302 Found", **headers: str) -> bytes:
    return reply(status, b"", Location=location, **headers)


def failure(url: str, allowed: DownloadLimits | None = None, **options: object) -> DownloadError:
    """The error of a download that must fail, within the deadline and what a busy machine adds."""
    allowed = allowed or limits()
    began = time.monotonic()
    with pytest.raises(DownloadError) as failed:
        download(url, allowed, **options)  # type: ignore[arg-type]
    assert time.monotonic() - began < allowed.timeout_seconds + 10
    assert len(str(failed.value)) < 400, "the text goes into a log and a file attribute"
    return failed.value


def make_certificate(directory: Path, *names: str) -> Path:
    """A self-signed certificate for the names, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    subjects = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), random.getrandbits(64))
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(subjects, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / f"{names[0]}.pem"
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, pkcs8, plain))
    return path
