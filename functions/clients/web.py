"""The edge of the web: the bytes behind a URL, or a DownloadError that says why not.

Anybody can choose the URL and anybody can run the server, so each hop is checked, resolved once,
checked again and connected to at the checked address; one deadline holds for all of it together;
and no more is kept, packed or unpacked, than was asked for.
"""

import asyncio
import functools
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx2

from functions.clients import calls
from functions.clients.content_encoding import too_large, unpack
from functions.errors import DownloadError, DownloadFailure
from functions.ingest.addresses import (
    MAX_URL_LENGTH,
    IPAddress,
    ParsedTarget,
    check_answers,
    check_url,
)

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]  # host, port -> addresses

_HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; openai-batch-flows/1.0)",
    "Accept": "text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Storage services redirect to signed URLs that are longer than any that a person writes.
_MAX_REDIRECT_LENGTH = 8192

# What an exchange can raise, the first match counting. A TLS record that breaks off is a bare
# ssl.SSLError, which is an OSError; a host that TLS can't take is a ValueError.
_TRANSLATIONS: tuple[tuple[type[Exception], DownloadFailure], ...] = (
    (httpx2.TimeoutException, DownloadFailure.TIMEOUT),
    (httpx2.ProtocolError, DownloadFailure.BAD_RESPONSE),
    (httpx2.HTTPError, DownloadFailure.NO_CONNECTION),
    (OSError, DownloadFailure.NO_CONNECTION),
    (ValueError, DownloadFailure.BAD_RESPONSE),
)


@dataclass(frozen=True, kw_only=True)
class DownloadLimits:
    """How much a download may take; the seconds are for all of it, redirects included."""

    max_bytes: int
    timeout_seconds: float
    max_redirects: int = 5
    ports: frozenset[int] = frozenset({80, 443})
    allow_loopback: bool = False


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What was there."""

    url: str  # the last one, after redirects
    content_type: str  # as sent, empty if none
    body: bytes


@dataclass(frozen=True, kw_only=True)
class _Answer:
    location: str | None  # set for a redirect, and then nothing else is
    content_type: str = ""
    content_encoding: str = ""
    body: bytes = b""


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The system's answer, in its order; an OSError if it has none.

    In a thread of its own that nobody waits for: ``asyncio.run`` and the interpreter's end both
    wait for the threads of an executor, and a name server may keep one for as long as it likes.
    """
    answer: Future[list[str]] = Future()

    def look_up() -> None:
        answer.set_running_or_notify_cancel()
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            answer.set_exception(error)
        else:
            answer.set_result([str(address[0]) for *_, address in found])

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    return await asyncio.wrap_future(answer)


_tls_lock = threading.Lock()


def tls_context() -> ssl.SSLContext:
    """The process's one client context: reading the certificates takes tens of milliseconds."""
    with _tls_lock:
        return _tls_context()


@functools.cache
def _tls_context() -> ssl.SSLContext:
    context = httpx2.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    # httpcore2 sets the same list before each handshake, which frees the one that a handshake in
    # another thread may be copying; a subclass would cost a thread a connection in anyio.
    context.set_alpn_protocols = lambda _: None  # type: ignore[assignment, method-assign]
    return context


def download(
    url: str,
    limits: DownloadLimits,
    resolve: Resolver = system_resolver,
    tls: Callable[[], ssl.SSLContext] = tls_context,
) -> Fetched:
    """What GET finds at the URL, redirects followed and unpacked; every failure a DownloadError.

    Blocks for at most the deadline and a little; any number of threads may call it at once.
    """
    fetching = _Download(limits, resolve, tls())
    last, answer = calls.call("web.get", lambda: asyncio.run(fetching.follow(url)))
    body = unpack(answer.body, answer.content_encoding, limits.max_bytes)
    if not body:
        raise DownloadError(DownloadFailure.EMPTY, "the body is empty")
    return Fetched(url=last, content_type=answer.content_type, body=body)


@dataclass(frozen=True)
class _Download:
    limits: DownloadLimits
    resolve: Resolver
    tls: ssl.SSLContext

    async def follow(self, url: str) -> tuple[str, _Answer]:
        """The last URL and its answer. Only asyncio can end every step of it at one instant."""
        ends = asyncio.get_running_loop().time() + self.limits.timeout_seconds
        try:
            async with asyncio.timeout_at(ends):
                target, seen = self._check(url), {url}
                while (answer := await self._visit(target, ends)).location is not None:
                    url = _next_url(url, answer.location)
                    if url in seen or len(seen) > self.limits.max_redirects:
                        detail = f"no end after {len(seen)} redirects"
                        raise DownloadError(DownloadFailure.REDIRECT_LOOP, detail)
                    seen.add(url)
                    target = self._check(url, max_length=_MAX_REDIRECT_LENGTH)
                return url, answer
        except TimeoutError as error:
            detail = f"not finished within {self.limits.timeout_seconds:g} seconds"
            raise DownloadError(DownloadFailure.TIMEOUT, detail) from error

    def _check(self, url: str, max_length: int = MAX_URL_LENGTH) -> ParsedTarget:
        ports, allow_loopback = self.limits.ports, self.limits.allow_loopback
        return check_url(url, ports=ports, allow_loopback=allow_loopback, max_length=max_length)

    async def _visit(self, target: ParsedTarget, ends: float) -> _Answer:
        """The answer of the first of the host's addresses that takes a connection."""
        addresses = await self._addresses(target)
        # A dead address must not use up the next one's time, nor connecting the handshake's.
        share = (ends - asyncio.get_running_loop().time()) / len(addresses) / 2
        try:
            for address in addresses[:-1]:
                try:
                    return await self._exchange(target, address, share)
                except (httpx2.ConnectError, httpx2.ConnectTimeout):
                    continue
            return await self._exchange(target, addresses[-1], share)
        except tuple(kind for kind, _ in _TRANSLATIONS) as error:
            failure = next(failure for kind, failure in _TRANSLATIONS if isinstance(error, kind))
            said = str(error)[:200]  # it may repeat a whole header of the server's
            detail = f"{target.authority}: {said or type(error).__name__}"
            raise DownloadError(failure, detail) from error

    async def _addresses(self, target: ParsedTarget) -> list[IPAddress]:
        if target.address is not None:
            return [target.address]
        try:
            answers = await self.resolve(target.host, target.port)
        except (OSError, ValueError) as error:
            detail = f"{target.host}: {error}"
            raise DownloadError(DownloadFailure.UNRESOLVED_NAME, detail) from error
        if not answers:
            raise DownloadError(DownloadFailure.UNRESOLVED_NAME, f"{target.host} has no address")
        ports, allow_loopback = self.limits.ports, self.limits.allow_loopback
        return check_answers(target, answers, ports=ports, allow_loopback=allow_loopback)

    async def _exchange(
        self, target: ParsedTarget, address: IPAddress, connect_seconds: float
    ) -> _Answer:
        """One request to one address, under the host's name."""
        host = f"[{address}]" if address.version == 6 else address
        request = httpx2.Request(
            "GET",
            f"{target.scheme}://{host}:{target.port}{target.path}",
            headers={"Host": target.authority, **_HEADERS},
            extensions={"sni_hostname": target.host, "timeout": {"connect": connect_seconds}},
        )
        # A bare transport, used once: a client would add cookies, .netrc and proxies, and a pool
        # would reuse one host's TLS connection for another host at the same address.
        async with httpx2.AsyncHTTPTransport(verify=self.tls) as transport:
            response = await transport.handle_async_request(request)
            try:
                return await _read(response, self.limits.max_bytes)
            finally:
                await response.aclose()


def _next_url(url: str, location: str) -> str:
    if not location:
        raise DownloadError(DownloadFailure.BAD_RESPONSE, "a redirect without a Location")
    try:
        # Servers do send spaces here, and browsers do follow.
        return urljoin(url, location.replace(" ", "%20")).partition("#")[0]
    except ValueError as error:
        detail = "a redirect to what is not a URL"
        raise DownloadError(DownloadFailure.REFUSED_URL, detail) from error


async def _read(response: httpx2.Response, max_bytes: int) -> _Answer:
    headers = response.headers
    status = response.status_code
    if status in _REDIRECTS:
        return _Answer(location=headers.get("location", ""))
    if not response.is_success or status == 206:  # nobody asked for a part
        raise DownloadError(DownloadFailure.HTTP_STATUS, f"status {status}")
    if int(headers.get("content-length", 0)) > max_bytes:
        raise too_large(max_bytes)
    body = bytearray()
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > max_bytes:
                raise too_large(max_bytes)
    return _Answer(
        location=None,
        content_type=headers.get("content-type", ""),
        content_encoding=headers.get("content-encoding", "").strip().lower(),
        body=bytes(body),
    )
