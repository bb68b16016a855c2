"""Where a download goes: each hop checked, resolved once, connected to as checked."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.clients.web import download
from functions.errors import DownloadError, DownloadFailure
from tests.functions.clients.web_server import (
    Exchange,
    Names,
    Serve,
    Server,
    failure,
    limits,
    redirect,
    reply,
)


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_redirect_is_followed(serve: Serve, status: str) -> None:
    server = serve({"/a": redirect("/b", status), "/b": reply(body=b"there")})
    fetched = download(server.url("/a"), limits())
    assert (fetched.url, fetched.body) == (server.url("/b"), b"there")


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/b", "/b"),
        ("b", "/dir/b"),
        ("../b", "/b"),
        ("?q=1", "/dir/a?q=1"),
        ("//127.0.0.1:{port}/b", "/b"),
        ("http://127.0.0.1:{port}/b#part", "/b"),
        ("HTTP://127.1:{port}/b", "/b"),
        (" /b c.pdf ", "/b%20c.pdf"),
        ("/caf\u00e9", "/caf%C3%A9"),
    ],
)
def test_a_location_is_read_as_browsers_do(serve: Serve, location: str, path: str) -> None:
    def respond(exchange: Exchange) -> None:
        there = location.format(port=server.port)
        exchange.send(
            redirect(there) if exchange.path == "/dir/a" else reply(body=exchange.path.encode())
        )

    server = serve(respond)
    fetched = download(server.url("/dir/a"), limits())
    assert fetched.body.decode() == path
    assert "#" not in fetched.url


def test_a_redirect_to_a_long_signed_url_is_followed(serve: Serve) -> None:
    server = serve(
        lambda exchange: exchange.send(
            redirect(f"/b?{'s' * 4000}") if exchange.path == "/a" else reply(body=b"signed")
        )
    )
    assert download(server.url("/a"), limits()).body == b"signed"


def test_a_cookie_is_not_sent_back(serve: Serve) -> None:
    server = serve({"/a": redirect("/b", Set_Cookie="a=b; Path=/"), "/b": reply(body=b"x")})
    download(server.url("/a"), limits())
    assert not any("cookie" in head.lower() for head in server.heads)


def test_as_many_redirects_as_allowed_are_followed_and_no_more(serve: Serve) -> None:
    pages = {f"/{number}": redirect(f"/{number + 1}") for number in range(4)}
    server = serve({**pages, "/4": reply(body=b"x")})
    assert download(server.url("/1"), limits(max_redirects=3)).body == b"x"
    server.heads.clear()
    error = failure(server.url("/0"), limits(max_redirects=3))
    assert error.failure is DownloadFailure.REDIRECT_LOOP
    assert len(server.heads) == 4


@pytest.mark.parametrize("path", ["/self", "/there"])
def test_a_loop_ends_when_it_closes(serve: Serve, path: str) -> None:
    server = serve(
        {"/self": redirect("/self"), "/there": redirect("/back"), "/back": redirect("/there")}
    )
    error = failure(server.url(path), limits(max_redirects=50))
    assert error.failure is DownloadFailure.REDIRECT_LOOP
    assert len(server.heads) <= 2


def test_a_redirect_to_nowhere_is_a_bad_response(serve: Serve) -> None:
    for answer in (reply("302 Found"), redirect("")):
        assert failure(serve(answer).url()).failure is DownloadFailure.BAD_RESPONSE


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("http://10.0.0.1/", DownloadFailure.REFUSED_ADDRESS),
        ("http://169.254.169.254/latest/meta-data/", DownloadFailure.REFUSED_ADDRESS),
        ("http://[fd00:ec2::254]/", DownloadFailure.REFUSED_ADDRESS),
        ("//0xa9fea9fe/", DownloadFailure.REFUSED_ADDRESS),
        ("http://inside.test/", DownloadFailure.REFUSED_ADDRESS),
        ("http://unknown.test/", DownloadFailure.UNRESOLVED_NAME),
        ("http://public.test:22/", DownloadFailure.REFUSED_URL),
        ("http://me:secret@public.test/", DownloadFailure.REFUSED_URL),
        ("file:///etc/passwd", DownloadFailure.REFUSED_URL),
        ("ftp://public.test/", DownloadFailure.REFUSED_URL),
        ("javascript:alert(1)", DownloadFailure.REFUSED_URL),
        ("http://[::1", DownloadFailure.REFUSED_URL),
        ("http:\\\\public.test/", DownloadFailure.REFUSED_URL),
        (f"http://public.test/{'a' * 9000}", DownloadFailure.REFUSED_URL),
    ],
)
def test_each_hop_is_checked(serve: Serve, location: str, kind: DownloadFailure) -> None:
    server = serve(redirect(location))
    names = Names(inside_test=["10.0.0.1"], public_test=["8.8.8.8"])
    assert failure(server.url(), resolve=names).failure is kind


def test_a_refused_url_is_never_resolved() -> None:
    names = Names()
    error = failure("http://me@example.test/", resolve=names)
    assert error.failure is DownloadFailure.REFUSED_URL
    assert names.asked == []


@pytest.mark.parametrize("answers", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"]])
def test_one_private_address_among_a_names_refuses_it(serve: Serve, answers: list[str]) -> None:
    server = serve(reply(body=b"secret"))
    error = failure(
        server.url(host="mixed.test"),
        limits(ports=frozenset({server.port})),
        resolve=Names(mixed_test=answers),
    )
    assert error.failure is DownloadFailure.REFUSED_ADDRESS
    assert "10.0.0.1" in str(error)
    assert server.connections == 0


def test_loopback_is_refused_unless_it_is_allowed(serve: Serve) -> None:
    server = serve(reply(body=b"secret"))
    closed = limits(allow_loopback=False, ports=frozenset({server.port}))
    names = Names(inside_test=["127.0.0.1"])
    for host in ("127.0.0.1", "localhost", "inside.test"):
        error = failure(server.url(host=host), closed, resolve=names)
        assert error.failure is DownloadFailure.REFUSED_ADDRESS
    assert server.connections == 0


def test_a_name_is_resolved_once_a_hop_and_the_connection_goes_to_the_checked_address(
    serve: Serve,
) -> None:
    """A name that resolves elsewhere the second time (DNS rebinding) gets no second time."""

    class Rebinding(Names):
        async def __call__(self, host: str, _port: int) -> Sequence[str]:
            first = host not in self.asked
            self.asked.append(host)
            return ["127.0.0.1"] if first else ["10.0.0.1"]

    def respond(exchange: Exchange) -> None:
        first = "one.test" in exchange.head
        exchange.send(redirect(server.url(host="two.test")) if first else reply(body=b"there"))

    server: Server = serve(respond)
    names = Rebinding()
    allowed = limits(ports=frozenset({server.port}))
    fetched = download(server.url(host="one.test"), allowed, names)
    assert fetched.body == b"there"
    assert names.asked == ["one.test", "two.test"]
    hosts = [f"Host: {name}:{server.port}\r\n" for name in names.asked]
    assert all(host in head for host, head in zip(hosts, server.heads, strict=True))


@pytest.mark.parametrize("answers", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
def test_the_first_address_that_takes_a_connection_answers(
    serve: Serve, answers: list[str]
) -> None:
    server = serve(reply(body=b"alive"))
    names = Names(two_test=answers)
    allowed = limits(ports=frozenset({server.port}))
    assert download(server.url(host="two.test"), allowed, names).body == b"alive"


@pytest.mark.parametrize("names", [Names(), Names(no_test=[])], ids=["an error", "no answer"])
def test_a_name_without_an_address_is_unresolved(names: Names) -> None:
    error = failure("http://no.test/", resolve=names)
    assert error.failure is DownloadFailure.UNRESOLVED_NAME
    assert "no.test" in str(error)


def test_the_system_resolves_what_nobody_else_does(serve: Serve) -> None:
    server = serve(reply(body=b"local"))
    assert download(server.url(host="localhost"), limits()).body == b"local"
    error = failure("http://no-such-name.invalid/")
    assert error.failure is DownloadFailure.UNRESOLVED_NAME


@settings(max_examples=100)
@given(st.text() | st.builds("http://{}.test/{}".format, st.text(max_size=20), st.text()))
def test_whatever_the_url_is_the_error_is_a_download_error(url: str) -> None:
    with pytest.raises(DownloadError):
        download(url, limits(timeout_seconds=0.2, allow_loopback=False), Names())


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=40))
@example("/%zz\"<>{}|^`'[]?#a?b#c")
def test_any_path_can_be_asked_for(serve: Serve, path: str) -> None:
    server = serve(reply(body=b"x"))
    try:
        assert download(server.url(f"/{path}"), limits()).body == b"x"
    except DownloadError:
        assert server.connections == 0, "only the URL may be at fault"
    finally:
        server.stop()
