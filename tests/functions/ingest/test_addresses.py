"""The download guard: what it refuses, and that it lets the rest through."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import DownloadError, DownloadFailure
from functions.ingest.addresses import check_address, check_answers, check_url

URL = DownloadFailure.REFUSED_URL
ADDRESS = DownloadFailure.REFUSED_ADDRESS
PORTS = frozenset({80, 443})

REFUSED_URLS = [
    # What is no http(s) URL at all.
    ("", URL),
    ("example.com", URL),
    ("//example.com/", URL),
    ("/etc/passwd", URL),
    ("http:", URL),
    ("http://", URL),
    ("http:///path", URL),
    ("http:/example.com/", URL),
    ("http:example.com", URL),
    ("http://?query", URL),
    ("http://:80/", URL),
    ("ftp://example.com/", URL),
    ("file:///etc/passwd", URL),
    ("gopher://example.com/", URL),
    ("javascript:alert(1)", URL),
    ("data:text/html,hello", URL),
    ("jar:http://example.com!/", URL),
    ("view-source:http://example.com/", URL),
    ("http\u017f://example.com/", URL),
    ("https+unix://example.com/", URL),
    # Credentials, and hosts that hide behind them.
    ("http://user@example.com/", URL),
    ("http://user:secret@example.com/", URL),
    ("http://example.com@127.0.0.1/", URL),
    ("http://example.com:80@127.0.0.1/", URL),
    ("http://@example.com/", URL),
    # Characters that two parsers read differently.
    (" http://example.com/", URL),
    ("http://example.com/ ", URL),
    ("http://example.com/a b", URL),
    ("http://exam\nple.com/", URL),
    ("http://example.com/\r\nHost: evil", URL),
    ("http://exam\tple.com/", URL),
    ("http://example.com\x00.evil.com/", URL),
    ("http://example.com\\@127.0.0.1/", URL),
    ("http:\\\\example.com/", URL),
    ("http://example.com/\\..\\secret", URL),
    ("http://example.com/\x7f", URL),
    ("http://example.com/\x85", URL),
    ("http://example.com/\u2028", URL),
    ("http://example.com\u00a0.evil.com/", URL),
    ("http://example.com/\ud800", URL),
    # Hosts that are no names.
    ("http://exa mple.com/", URL),
    ("http://exa%6dple.com/", URL),
    ("http://%31%32%37.0.0.1/", URL),
    ("http://example..com/", URL),
    ("http://.example.com/", URL),
    ("http://example.com../", URL),
    ("http://127.0.0.1../", URL),
    ("http://./", URL),
    ("http://exam$ple.com/", URL),
    ("http://[example.com]/", URL),
    (f"http://{'a' * 64}.com/", URL),
    (f"http://{'a.' * 130}com/", URL),
    (f"http://{'ü' * 300}.com/", URL),
    ("http://\u2100.com/", URL),
    ("http://\u0301a.com/", URL),
    # Numbers that are no addresses.
    ("http://1.2.3.4.5/", URL),
    ("http://1.2.3.4.0/", URL),
    ("http://256.256.256.256/", URL),
    ("http://127.0.0.256/", URL),
    ("http://08.8.8.8/", URL),
    ("http://4294967296/", URL),
    ("http://0x1ffffffff/", URL),
    ("http://1..1/", URL),
    ("http://example.0x/", URL),
    ("http://example.1/", URL),
    (f"http://{'9' * 250}/", URL),
    # IPv6 that is none, or has a zone.
    ("http://[::1/", URL),
    ("http://::1/", URL),
    ("http://[::g]/", URL),
    ("http://[127.0.0.1]/", URL),
    ("http://[v1.fe80::1]/", URL),
    ("http://[fe80::1%25eth0]/", URL),
    ("http://[2606:4700::1111%eth0]/", URL),
    ("http://[::1][::1]/", URL),
    # Ports.
    ("http://example.com:22/", URL),
    ("https://example.com:8443/", URL),
    ("http://example.com:0/", URL),
    ("http://example.com:65536/", URL),
    ("http://example.com:99999999999/", URL),
    ("http://example.com:-80/", URL),
    ("http://example.com:+80/", URL),
    ("http://example.com:8_0/", URL),
    ("http://example.com:\u0668\u0660/", URL),
    ("http://example.com:80:80/", URL),
    ("http://example.com:http/", URL),
    (f"http://example.com/{'a' * 2048}", URL),
    # Addresses, however they are spelt.
    ("http://127.0.0.1/", ADDRESS),
    ("http://127.0.0.1:22/", ADDRESS),
    ("http://127.0.0.1./", ADDRESS),
    ("http://127.1/", ADDRESS),
    ("http://127.0.1/", ADDRESS),
    ("http://2130706433/", ADDRESS),
    ("http://0x7f000001/", ADDRESS),
    ("http://0X7F.0.0.1/", ADDRESS),
    ("http://0x7f.1/", ADDRESS),
    ("http://0177.0.0.1/", ADDRESS),
    ("http://017700000001/", ADDRESS),
    ("http://0177.0.0x0.1/", ADDRESS),
    ("http://\uff11\uff12\uff17\u3002\uff10\u3002\uff10\u3002\uff11/", ADDRESS),
    ("http://\u2460\u2461\u2466.0.0.1/", ADDRESS),
    ("http://0/", ADDRESS),
    ("http://0.0.0.0/", ADDRESS),
    ("http://169.254.169.254/latest/meta-data/", ADDRESS),
    ("http://2852039166/", ADDRESS),
    ("http://0xa9fea9fe/", ADDRESS),
    ("http://169.16689662/", ADDRESS),
    ("http://10.1/", ADDRESS),
    ("http://192.168.1.1/", ADDRESS),
    ("http://[::1]/", ADDRESS),
    ("http://[0:0:0:0:0:0:0:1]/", ADDRESS),
    ("http://[::]/", ADDRESS),
    ("http://[::ffff:127.0.0.1]/", ADDRESS),
    ("http://[::ffff:7f00:1]/", ADDRESS),
    ("http://[fd00:ec2::254]/", ADDRESS),
    ("http://[FE80::1]/", ADDRESS),
    ("http://[64:ff9b::169.254.169.254]/", ADDRESS),
    ("http://localhost/", ADDRESS),
    ("http://LOCALHOST./", ADDRESS),
    ("http://app.localhost/", ADDRESS),
    ("http://\u24dbocalhost/", ADDRESS),
]

ALLOWED_URLS = [
    ("http://example.com", "example.com", 80, "/"),
    ("HTTPS://Example.COM/", "example.com", 443, "/"),
    ("https://example.com./a", "example.com", 443, "/a"),
    ("https://www.example.co.uk/a/b.html?c=d&e=%20#f", "www.example.co.uk", 443, None),
    ("https://example.com?q=1", "example.com", 443, "/?q=1"),
    ("https://example.com#top", "example.com", 443, "/"),
    ("https://example.com:443/", "example.com", 443, "/"),
    ("https://example.com:/", "example.com", 443, "/"),
    ("http://example.com:443/", "example.com", 443, "/"),
    ("http://example.com:00080/", "example.com", 80, "/"),
    ("https://b\u00fccher.de/stra\u00dfe", "xn--bcher-kva.de", 443, "/stra\u00dfe"),
    ("https://xn--bcher-kva.de/", "xn--bcher-kva.de", 443, "/"),
    ("https://\u4f8b\u3048.\u30c6\u30b9\u30c8/", "xn--r8jz45g.xn--zckzah", 443, "/"),
    ("https://fa\u00df.de/", "xn--fa-hia.de", 443, "/"),
    ("https://my_bucket.s3.amazonaws.com/key", "my_bucket.s3.amazonaws.com", 443, "/key"),
    ("https://r3---sn-abc.example.com/", "r3---sn-abc.example.com", 443, "/"),
    ("https://3com.com/", "3com.com", 443, "/"),
    ("https://1.2.3.4.example.com/", "1.2.3.4.example.com", 443, "/"),
    ("https://127.0.0.1.nip.example/", "127.0.0.1.nip.example", 443, "/"),
    ("https://localhost.example.com/", "localhost.example.com", 443, "/"),
    ("https://notlocalhost/", "notlocalhost", 443, "/"),
    ("https://t.co/x@y", "t.co", 443, "/x@y"),
    ("https://example.com/a?u=http://127.0.0.1/", "example.com", 443, None),
    ("https://example.com//a", "example.com", 443, "//a"),
    ("https://1.1.1.1/dns", "1.1.1.1", 443, "/dns"),
    ("http://134744072/", "8.8.8.8", 80, "/"),
    ("http://010.8.8.8/", "8.8.8.8", 80, "/"),
    ("http://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 80, "/"),
    ("http://[2606:4700:4700:0::1111]:443/", "2606:4700:4700::1111", 443, "/"),
    ("http://[64:ff9b::8.8.8.8]/", "64:ff9b::808:808", 80, "/"),
    (f"http://example.com/{'a' * 2029}", "example.com", 80, None),
]

REFUSED_ADDRESSES = [
    ("0.0.0.0", "unspecified"),  # noqa: S104 - nothing binds here
    ("0.1.2.3", "unspecified"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "carrier-grade"),
    ("100.127.255.255", "carrier-grade"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("169.254.169.254", "link-local"),
    ("169.254.170.2", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.8", "protocols"),
    ("192.0.0.170", "protocols"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4"),
    ("192.168.0.1", "private"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::7f00:1", "IPv4-compatible"),
    ("::8.8.8.8", "IPv4-compatible"),
    ("::ffff:10.0.0.1", "IPv4-mapped"),
    ("::ffff:8.8.8.8", "IPv4-mapped"),
    ("64:ff9b::10.0.0.1", "NAT64 of 10.0.0.1, private"),
    ("64:ff9b::127.0.0.1", "NAT64 of 127.0.0.1, loopback"),
    ("64:ff9b:1::8.8.8.8", "local NAT64"),
    ("64:ff9b:1:ffff::1", "local NAT64"),
    ("100::1", "discard"),
    ("2001::1", "Teredo"),
    ("2001:0:7f00:1::", "Teredo"),
    ("2001:2::1", "benchmarking"),
    ("2001:10::1", "protocols"),
    ("2001:1ff::1", "protocols"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "6to4"),
    ("2002:808:808::", "6to4"),
    ("3fff::1", "documentation"),
    ("5f00::1", "segment routing"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "zone"),
    ("2606:4700::1%eth0", "zone"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("4000::1", "outside global unicast"),
    ("1::1", "outside global unicast"),
    ("::ffff:0:1.2.3.4", "outside global unicast"),
    ("not an address", "not an address"),
    ("", "not an address"),
    ("127.1", "not an address"),
]

PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.254",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "2620:4f:8000::1",
    "64:ff9b::8.8.8.8",
]


@pytest.mark.parametrize(("url", "failure"), REFUSED_URLS)
def test_a_url_that_may_not_be_fetched_is_refused(url: str, failure: DownloadFailure) -> None:
    with pytest.raises(DownloadError) as refused:
        check_url(url, ports=PORTS, allow_loopback=False)
    assert refused.value.failure is failure
    assert len(str(refused.value)) < 400, "the text goes into a log and a file attribute"


@pytest.mark.parametrize(("url", "host", "port", "path"), ALLOWED_URLS)
def test_a_legitimate_url_passes(url: str, host: str, port: int, path: str | None) -> None:
    target = check_url(url, ports=PORTS, allow_loopback=False)
    assert (target.host, target.port) == (host, port)
    assert target.path == path or path is None
    assert "#" not in target.path


@pytest.mark.parametrize(("address", "why"), REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused_and_the_error_says_why(
    address: str, why: str
) -> None:
    with pytest.raises(DownloadError, match=why) as refused:
        check_address(address, allow_loopback=False)
    assert refused.value.failure is ADDRESS


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_passes(address: str) -> None:
    assert check_address(address, allow_loopback=False) == ipaddress.ip_address(address)


def test_credentials_are_named_as_the_cause_and_never_repeated() -> None:
    with pytest.raises(DownloadError, match="credentials") as refused:
        check_url("http://user:hunter2@example.com/", ports=PORTS, allow_loopback=False)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://example.com/", "example.com"),
        ("http://example.com:443/", "example.com:443"),
        ("http://[2606:4700::1]/", "[2606:4700::1]"),
        ("https://[2606:4700::1]:80/", "[2606:4700::1]:80"),
    ],
)
def test_the_host_header_has_the_port_unless_it_is_the_default(url: str, authority: str) -> None:
    assert check_url(url, ports=PORTS, allow_loopback=False).authority == authority


def test_a_default_port_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(DownloadError, match="port 80"):
        check_url("http://example.com/", ports={443}, allow_loopback=False)


def test_a_redirect_may_be_allowed_to_be_longer() -> None:
    url = f"https://example.com/{'a' * 4000}"
    assert check_url(url, ports=PORTS, allow_loopback=False, max_length=5000).path in url
    with pytest.raises(DownloadError, match="5000"):
        check_url(url * 2, ports=PORTS, allow_loopback=False, max_length=5000)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5000/",
        "http://127.1:5000/",
        "http://127.8.9.10:1/",
        "http://[::1]:65535/",
        "http://localhost:5000/",
        "http://app.localhost:5000/",
        "https://localhost/",
    ],
)
def test_with_loopback_allowed_it_is_open_on_any_port(url: str) -> None:
    check_url(url, ports=PORTS, allow_loopback=True)


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("http://10.0.0.1/", ADDRESS),
        ("http://169.254.169.254/", ADDRESS),
        ("http://0.0.0.0/", ADDRESS),
        ("http://[::ffff:127.0.0.1]/", ADDRESS),
        ("http://[64:ff9b::127.0.0.1]/", ADDRESS),
        ("http://[fd00:ec2::254]/", ADDRESS),
        ("http://1.1.1.1:5000/", URL),
        ("http://example.com:5000/", URL),
        ("http://localhost:0/", URL),
        ("http://localhost:70000/", URL),
        ("ftp://localhost/", URL),
        ("http://me@localhost/", URL),
    ],
)
def test_with_loopback_allowed_nothing_else_is(url: str, failure: DownloadFailure) -> None:
    with pytest.raises(DownloadError) as refused:
        check_url(url, ports=PORTS, allow_loopback=True)
    assert refused.value.failure is failure


def test_one_refused_answer_refuses_the_name() -> None:
    target = check_url("https://example.com/", ports=PORTS, allow_loopback=False)
    for answers in (["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"]):
        with pytest.raises(DownloadError) as refused:
            check_answers(target, answers, ports=PORTS, allow_loopback=False)
        assert refused.value.failure is ADDRESS


def test_answers_keep_their_order_and_are_not_repeated() -> None:
    target = check_url("https://example.com/", ports=PORTS, allow_loopback=False)
    answers = ["2606:4700::1", "8.8.8.8", "8.8.8.8", "2606:4700:0::1"]
    addresses = check_answers(target, answers, ports=PORTS, allow_loopback=False)
    assert [str(address) for address in addresses] == ["2606:4700::1", "8.8.8.8"]


def test_localhost_on_another_port_is_refused_if_it_resolves_elsewhere() -> None:
    target = check_url("http://localhost:5000/", ports=PORTS, allow_loopback=True)
    with pytest.raises(DownloadError, match="port 5000"):
        check_answers(target, ["127.0.0.1", "8.8.8.8"], ports=PORTS, allow_loopback=True)
    assert check_answers(target, ["127.0.0.1"], ports=PORTS, allow_loopback=True)


@given(st.text() | st.builds("http://{}{}".format, st.text(max_size=30), st.text(max_size=30)))
def test_any_text_is_a_target_or_a_download_error(url: str) -> None:
    for allow_loopback in (False, True):
        try:
            target = check_url(url, ports=PORTS, allow_loopback=allow_loopback)
        except DownloadError:
            continue
        assert target.host.isascii()
        assert target.path.startswith("/")


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_what_passes_is_global_unicast_to_the_standard_library_too(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    try:
        passed = check_address(address, allow_loopback=False)
    except DownloadError:
        return
    assert passed.is_global
    assert not passed.is_multicast


def _spellings(address: ipaddress.IPv4Address) -> list[str]:
    a, b, c, d = address.packed
    return [
        str(int(address)),
        hex(int(address)),
        f"0{int(address):o}",
        f"{a}.{int(address) & 0xFFFFFF}",
        f"{a}.{b}.{c * 256 + d}",
        f"0{a:o}.0x{b:X}.{c}.0{d:o}",
        f"{address}.",
    ]


@given(st.ip_addresses(v=4))
def test_every_spelling_of_an_address_is_judged_as_the_address(
    address: ipaddress.IPv4Address,
) -> None:
    def verdict(host: str) -> str:
        try:
            return check_url(f"http://{host}/", ports=PORTS, allow_loopback=False).host
        except DownloadError as refused:
            return str(refused)

    assert {verdict(spelling) for spelling in _spellings(address)} == {verdict(str(address))}
