"""Which URLs and addresses a download may touch.

Anybody can put a URL on the queue, and the functions run inside a cloud account: a URL that led
to a private address or to the instance metadata service would read what the caller may not.
Everything here is a pure decision; who resolves and connects hands over what it found.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import idna

from functions.errors import DownloadError, DownloadFailure

IPAddress = IPv4Address | IPv6Address

MAX_URL_LENGTH = 2048

_DEFAULT_PORTS = {"http": 80, "https": 443}

# A parser that strips, splits or folds one of these differently would see another host.
_TRICKS = re.compile(r"[\s\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?#]*))?(?P<path>[^#]*)(?:#.*)?"
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)")

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")

# ``ipaddress.is_global`` follows these registries too, but differs between Python versions, lets
# multicast and the tunnels through, and so would open and close networks with an upgrade.
# https://www.iana.org/assignments/iana-ipv4-special-registry
# https://www.iana.org/assignments/iana-ipv6-special-registry
_REFUSED = tuple(
    (ipaddress.ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("64:ff9b:1::/48", "local NAT64"),  # its prefix length, so the IPv4 in it, is unknown
        ("100::/64", "discard-only"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarking"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)


@dataclass(frozen=True, kw_only=True)
class ParsedTarget:
    """A URL that passed: where to connect, and what to ask for there."""

    scheme: str
    host: str  # ASCII and lower case; an IPv6 address has no brackets
    port: int
    path: str  # with the query, without the fragment; starts with a slash
    address: IPAddress | None  # set if the host is one, however it was spelt

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(
    url: str, *, ports: Collection[int], allow_loopback: bool, max_length: int = MAX_URL_LENGTH
) -> ParsedTarget:
    """The URL taken apart; DownloadError (REFUSED_URL, REFUSED_ADDRESS) if it may not be fetched.

    With ``allow_loopback``, a loopback address and ``localhost`` are allowed on any port.
    """
    scheme, authority, path = _split(url, max_length)
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise _refused_url("its host and port cannot be read")
    port = int(parts["port"] or _DEFAULT_PORTS[scheme])
    host, address = _host(parts["host"])
    if address is not None:
        check_address(address, allow_loopback=allow_loopback)
    elif _is_localhost(host) and not allow_loopback:
        raise DownloadError(DownloadFailure.REFUSED_ADDRESS, f"{host} is loopback")
    local = _is_localhost(host) if address is None else _is_loopback(address)
    if not 0 < port < 65536 or not (local or port in ports):
        raise _refused_url(f"port {port} is not allowed")
    return ParsedTarget(scheme=scheme, host=host, port=port, path=path, address=address)


def check_address(address: str | IPAddress, *, allow_loopback: bool) -> IPAddress:
    """The address; DownloadError (REFUSED_ADDRESS) unless it is globally routable unicast."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise DownloadError(
            DownloadFailure.REFUSED_ADDRESS, f"{str(address)[:60]!r} is not an address"
        ) from None
    why = _why_refused(parsed, allow_loopback=allow_loopback)
    if why is not None:
        raise DownloadError(DownloadFailure.REFUSED_ADDRESS, f"{parsed} is {why}")
    return parsed


def check_answers(
    target: ParsedTarget, answers: Iterable[str], *, ports: Collection[int], allow_loopback: bool
) -> list[IPAddress]:
    """The addresses that a name resolved to, each once; one that is refused refuses the name.

    The others are no safer: whoever controls the name chose them all.
    """
    addresses = list(
        dict.fromkeys(check_address(each, allow_loopback=allow_loopback) for each in answers)
    )
    # A port off the list was let through because the name said that it is this machine.
    if target.port not in ports and not all(map(_is_loopback, addresses)):
        raise _refused_url(f"port {target.port} is not allowed")
    return addresses


def _refused_url(why: str) -> DownloadError:
    return DownloadError(DownloadFailure.REFUSED_URL, f"the URL is refused: {why}")


def _split(url: str, max_length: int) -> tuple[str, str, str]:
    """Scheme, authority without credentials, path with query."""
    if len(url) > max_length:
        raise _refused_url(f"it is longer than {max_length} characters")
    if _TRICKS.search(url):
        raise _refused_url("it has whitespace, a control character or a backslash")
    parts = _URL.fullmatch(url)
    if parts is None or parts["scheme"].lower() not in _DEFAULT_PORTS:
        raise _refused_url("it is neither http nor https")
    authority = parts["authority"] or ""
    if "@" in authority:
        raise _refused_url("it has credentials")
    path = parts["path"]
    return parts["scheme"].lower(), authority, path if path.startswith("/") else f"/{path}"


def _host(spelling: str) -> tuple[str, IPAddress | None]:
    """The host in its one spelling, and the address if it is one."""
    if spelling.startswith("["):
        try:
            address: IPAddress = IPv6Address(spelling[1:-1])
        except ValueError:
            raise _refused_url("its IPv6 address cannot be read") from None
        if "%" in spelling:
            raise _refused_url("its IPv6 address has a zone")
        return str(address), address
    name = _ascii(spelling).removesuffix(".")
    # No top-level domain ends in a number (https://url.spec.whatwg.org/#ends-in-a-number-checker).
    if _ENDS_IN_NUMBER.fullmatch(name):
        address = _inet_aton(name)
        return str(address), address
    if not _NAME.fullmatch(name):
        raise _refused_url("its host is missing or is not a name")
    return name, None


def _ascii(host: str) -> str:
    if len(host) > 253:  # RFC 1035, section 2.3.4
        raise _refused_url("its host is too long")
    if host.isascii():
        return host.lower()
    try:
        # Full-width digits and dots become ASCII here, before anybody looks for an address.
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:
        raise _refused_url("its host is not a valid international name") from None


def _inet_aton(host: str) -> IPv4Address:
    """The address that resolvers read in 127.1, 0x7f.1, 0177.0.0.1 or 2130706433."""
    *high, low = (_number(part) for part in host.split("."))
    if (
        len(high) > 3
        or not all(0 <= number < 256 for number in high)
        or not 0 <= low < 256 ** (4 - len(high))
    ):
        raise _refused_url("its host is a number and not an address")
    return IPv4Address(low + sum(number << (24 - 8 * i) for i, number in enumerate(high)))


def _number(part: str) -> int:
    """A C literal's value, -1 if it is none."""
    for pattern, base in (("0x[0-9a-f]+", 16), ("0[0-7]*", 8), ("[1-9][0-9]*", 10)):
        if re.fullmatch(pattern, part):
            return int(part, base)
    return -1


def _is_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")  # RFC 6761, section 6.3


def _is_loopback(address: IPAddress) -> bool:
    return any(address in network for network in _LOOPBACK)


def _why_refused(address: IPAddress, *, allow_loopback: bool) -> str | None:
    if getattr(address, "scope_id", None):
        return "bound to a zone"
    if allow_loopback and _is_loopback(address):
        return None
    if address in _NAT64:
        # A network without IPv4 reaches public IPv4 hosts so: what counts is where it leads.
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
        why = _why_refused(inner, allow_loopback=False)
        return why and f"NAT64 of {inner}, {why}"
    for network, why in _REFUSED:
        if address in network:
            return why
    if address.version == 6 and address not in _GLOBAL_V6:
        return "outside global unicast"
    return None
