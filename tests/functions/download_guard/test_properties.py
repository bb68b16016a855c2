"""Whatever a name server or a server says, a download comes back or is a DownloadError.

And whatever happens, nothing but a public address is ever connected to.
"""

import ipaddress
from contextlib import suppress

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.clients.web import Fetched
from functions.errors import DownloadError
from functions.ingest.documents import to_document
from tests.functions.clients.web_server import Exchange
from tests.functions.download_guard.cases import HELLO
from tests.functions.download_guard.internet import PUBLIC, PUBLIC_V6, Internet
from tests.functions.download_guard.refused_addresses import ANSWERS, SPELLINGS

many = settings(max_examples=60, suppress_health_check=list(HealthCheck))

HEADERS = st.sampled_from(
    [
        b"Content-Length",
        b"Content-Type",
        b"Content-Encoding",
        b"Transfer-Encoding",
        b"Location",
        b"Connection",
        b"Upgrade",
        b"X",
    ]
)
VALUES = st.binary(max_size=30) | st.sampled_from(
    [b"5", b"05", b"-1", b"9" * 4301, b"chunked", b"gzip", b"deflate", b"br", b"close", b"/", b""]
)
STATUSES = st.sampled_from([b"200 OK", b"302 Found", b"103 Early", b"204 None", b"101 Switch"])
HEADS = st.lists(st.tuples(HEADERS, VALUES).map(b": ".join), max_size=4).map(b"\r\n".join)
ADDRESSES = (
    st.ip_addresses().map(str)
    | st.sampled_from([PUBLIC, PUBLIC_V6, *(answer for _, answer, _ in ANSWERS)])
    | st.builds("{}%{}".format, st.ip_addresses(v=6), st.text(max_size=5))
    | st.text(max_size=20)
)
HOSTS = (
    st.sampled_from(["public.test", PUBLIC, *(host for _, host, _ in SPELLINGS)])
    | st.ip_addresses(v=4).map(lambda address: str(int(address)))
    | st.ip_addresses(v=6).map("[{}]".format)
    | st.text(max_size=12)
)
URLS = st.text(max_size=40) | st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["http:", "https:", "HTTP:", "file:", "", "\t http:"]),
    st.sampled_from(["//", "/", "", "\\\\", "///"]),
    st.sampled_from(["", "", "a@", "a:b@", "public.test@"]),
    HOSTS,
    st.sampled_from(["", "", ":80", ":443", ":22", ":", ":+80", ":99999"]),
    st.sampled_from(["", "/a", "?q", "#f", "/\r\nX: y", "/\u00e9"]) | st.text(max_size=10),
)


def fetch(internet: Internet, url: str) -> Fetched | None:
    """What was there or None; anything else is a failure of the test."""
    fetched = None
    with suppress(DownloadError):
        fetched = internet.fetch(url, timeout_seconds=2)
    for address, port in internet.reached:
        assert port in {80, 443}
        reached = ipaddress.ip_address(address)
        assert reached.is_global
        assert not reached.is_multicast
    return fetched


@many
@given(STATUSES, HEADS, st.binary(max_size=60))
@example(b"200 OK", b"Content-Length: " + b"9" * 4301, b"")
@example(b"200 OK", b"Content-Encoding: gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\0")
@example(b"302 Found", b"Location: http://[::1", b"")
def test_whatever_the_headers_are_only_a_download_error_comes_out(
    internet: Internet, status: bytes, head: bytes, body: bytes
) -> None:
    internet.answer(b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n\r\n" + body)
    fetched = fetch(internet, "http://public.test/a.html")
    if fetched is not None:
        with suppress(DownloadError):
            to_document(fetched, min_characters=1)


@many
@given(URLS.map(lambda url: url.encode("utf-8", "surrogatepass")) | st.binary(max_size=40))
@example(b"http://public.test:80\xff/")
@example(b"//\xe2\x84\xa1/")
def test_whatever_a_redirect_says_only_a_public_address_is_reached(
    internet: Internet, location: bytes
) -> None:
    def respond(exchange: Exchange) -> None:
        moved = b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n\r\n"
        exchange.send(moved if exchange.path == "/start" else HELLO)

    internet.answer(respond)
    fetched = fetch(internet, "http://public.test/start")
    assert fetched is None or fetched.body == b"hello"


@many
@given(URLS)
def test_whatever_the_url_is_only_a_public_address_is_reached(internet: Internet, url: str) -> None:
    fetched = fetch(internet, url)
    assert fetched is None or fetched.body == b"hello"


@many
@given(st.lists(st.lists(ADDRESSES, max_size=4), min_size=1, max_size=3))
@example([[PUBLIC, "127.0.0.1"]])
@example([[""]])
@example([[f"{PUBLIC_V6}%"]])
def test_whatever_a_name_resolves_to_only_a_public_address_is_reached(
    internet: Internet, answers: list[list[str]]
) -> None:
    internet.reached.clear()
    internet.name({"public.test": answers})
    asked = answers[0]
    fetched = fetch(internet, "http://public.test/")
    assert fetched is None or fetched.body == b"hello"
    assert {address for address, _ in internet.reached} <= {
        str(ipaddress.ip_address(each)) for each in asked if _is_address(each)
    }


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
