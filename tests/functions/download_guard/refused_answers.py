"""What servers send that is no document: false lengths, bombs, no HTTP, redirects to nowhere."""

import gzip
import ssl
import zlib

from functions.errors import DownloadFailure
from tests.functions.clients.web_server import Exchange, redirect, reply
from tests.functions.download_guard.cases import Refused, Row

LARGE, BAD = DownloadFailure.TOO_LARGE, DownloadFailure.BAD_RESPONSE
LOOP, STATUS = DownloadFailure.REDIRECT_LOOP, DownloadFailure.HTTP_STATUS
EMPTY = DownloadFailure.EMPTY

TOO_MUCH = "more than 100000 bytes"
UNASKED, BROKEN = "which nobody asked for", "data that is not whole"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def packed(content: bytes) -> bytes:
    """The same bytes each time: pytest-xdist wants the same cases of all its workers."""
    return gzip.compress(content, mtime=0)


def gigabyte(header: bytes) -> bytes:
    """A megabyte that unpacks to a thousand of them, in the format of the header."""
    stream = zlib.compressobj(wbits=-15)
    block = stream.compress(b"\0" * 1024**2) + stream.flush(zlib.Z_FULL_FLUSH)
    return header + block * 1024


def encoded(encoding: str, body: bytes) -> bytes:
    return reply(body=body, Content_Encoding=encoding)


def further(exchange: Exchange) -> None:
    exchange.send(redirect(f"{exchange.path}x"))


def from_https_and_back(exchange: Exchange) -> None:
    scheme = "http" if isinstance(exchange.connection, ssl.SSLSocket) else "https"
    exchange.send(redirect(f"{scheme}://public.test/"))


def to_a_name_of_its_own(exchange: Exchange) -> None:
    exchange.send(redirect(f"http://a{exchange.head.split('Host: ')[1].split()[0]}/"))


LENGTHS: list[Row] = [
    ("past the limit", OK + b"Content-Length: 100001\r\n\r\n", LARGE, TOO_MUCH),
    ("of 20 digits", OK + b"Content-Length: 99999999999999999999\r\n\r\n", LARGE, TOO_MUCH),
    (
        "of 5000 digits",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        BAD,
        "bad Content-Length",
    ),
    (
        "larger than the body",
        OK + b"Content-Length: 9\r\n\r\nhello",
        BAD,
        "received 5 bytes, expected 9",
    ),
    (
        "that chunks belie",
        reply(body=b"f4240\r\n" + b"x" * 10**6, Transfer_Encoding="chunked", Content_Length="5"),
        LARGE,
        TOO_MUCH,
    ),
    ("that is negative", OK + b"Content-Length: -5\r\n\r\nhello", BAD, "bad Content-Length"),
    ("with a sign", OK + b"Content-Length: +5\r\n\r\nhello", BAD, "bad Content-Length"),
    ("that is a word", OK + b"Content-Length: five\r\n\r\nhello", BAD, "bad Content-Length"),
    ("in hex", OK + b"Content-Length: 0x5\r\n\r\nhello", BAD, "bad Content-Length"),
    ("in other digits", OK + b"Content-Length: \xd9\xa5\r\n\r\nhello", BAD, "bad Content-Length"),
    ("that is empty", OK + b"Content-Length:\r\n\r\nhello", BAD, "bad Content-Length"),
    (
        "told twice",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        BAD,
        "conflicting Content-Length",
    ),
    (
        "told twice in one",
        OK + b"Content-Length: 5, 6\r\n\r\nhello!",
        BAD,
        "conflicting Content-Length",
    ),
]
UNPACKED = "more than 2000000 bytes"
MEGABYTE = packed(b"\0" * 1024**2)
BOMBS: list[Row] = [
    ("of gzip", encoded("gzip", gigabyte(packed(b"")[:10])), LARGE, UNPACKED),
    ("of deflate", encoded("deflate", gigabyte(zlib.compress(b"")[:2])), LARGE, UNPACKED),
    ("of raw deflate", encoded("deflate", gigabyte(b"")), LARGE, UNPACKED),
    ("of many members", encoded("gzip", MEGABYTE * 1024), BAD, BROKEN),
    ("of many small members", encoded("gzip", packed(b"hello") * 999), BAD, BROKEN),
    ("of br", encoded("br", b"\xcf\xff\xff\x7f\xf8\x27\x00\xe2\xb1\x40\x20\xf0\x1f"), BAD, UNASKED),
    ("of zstd", encoded("zstd", b"(\xb5/\xfd"), BAD, UNASKED),
    ("of gzip in gzip", encoded("gzip, gzip", packed(MEGABYTE)), BAD, UNASKED),
    ("of gzip in br", encoded("gzip, br", MEGABYTE), BAD, UNASKED),
    ("of two headers", encoded("gzip\r\nContent-Encoding: gzip", packed(MEGABYTE)), BAD, UNASKED),
    ("cut short", encoded("gzip", packed(b"hello" * 99)[:-9]), BAD, BROKEN),
    (
        "with a wrong sum",
        encoded("gzip", packed(b"a")[:-8] + b"\0" * 8),
        BAD,
        "incorrect data check",
    ),
    ("that is none", encoded("gzip", b"hello"), BAD, "incorrect header check"),
    ("that is no deflate", encoded("deflate", b"hello"), BAD, "deflate: "),
    ("that holds nothing", encoded("gzip", packed(b"")), EMPTY, "the body is empty"),
]
NO_HTTP: list[Row] = [
    ("nothing", b"", BAD, "disconnected"),
    ("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n", BAD, "disconnected"),
    ("a bare page", b"<html>hello</html>", BAD, "disconnected"),
    ("a status that is none", b"HTTP/1.1 2x0 OK\r\n\r\nhello", BAD, "illegal status line"),
    ("a status of four digits", b"HTTP/1.1 2000 OK\r\n\r\nhello", BAD, "illegal status line"),
    (
        "a NUL in a header",
        OK + b"X: a\0b\r\nContent-Length: 5\r\n\r\nhello",
        BAD,
        "illegal header line",
    ),
    (
        "a NUL in a header's name",
        OK + b"X\0: a\r\nContent-Length: 5\r\n\r\nhello",
        BAD,
        "illegal header line",
    ),
    ("a header without a colon", OK + b"hello\r\n\r\nhello", BAD, "illegal header line"),
    ("a header without a name", OK + b": hello\r\n\r\nhello", BAD, "illegal header line"),
    ("a return inside a header", OK + b"X: a\rb\r\n\r\nhello", BAD, "illegal header line"),
    (
        "another transfer coding",
        OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
        BAD,
        "Only Transfer-Encoding: chunked",
    ),
    (
        "two transfer codings",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\nhello",
        BAD,
        "Only Transfer-Encoding: chunked",
    ),
    ("a chunk without a size", CHUNKED + b"hello\r\n0\r\n\r\n", BAD, "illegal chunk header"),
    (
        "a chunk of a negative size",
        CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
        BAD,
        "illegal chunk header",
    ),
    ("a chunk of a size too long", CHUNKED + b"f" * 30 + b"\r\nhello", BAD, "illegal chunk header"),
    (
        "a chunk longer than its size",
        CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
        BAD,
        "malformed chunk footer",
    ),
    ("a switch of protocols", b"HTTP/1.1 101 Switching Protocols\r\n\r\n", BAD, "SWITCH"),
    ("a body that is a part", reply("206 Partial Content", b"hello"), STATUS, "status 206"),
    ("an error", reply("500 Internal Server Error", b"hello"), STATUS, "status 500"),
    ("a challenge", reply("401 Unauthorized", b"hello"), STATUS, "status 401"),
    ("an empty body", reply(), EMPTY, "the body is empty"),
]
REDIRECTS: list[Row] = [
    ("to itself", redirect("/"), LOOP, "no end after 1 redirects"),
    ("to itself as a part", redirect("#top"), LOOP, "no end after 1 redirects"),
    ("ever further", further, LOOP, "no end after 6 redirects"),
    ("to https and back", from_https_and_back, LOOP, "no end after 2 redirects"),
    ("to ever new names", to_a_name_of_its_own, LOOP, "no end after 6 redirects"),
    ("without a Location", reply("302 Found"), BAD, "a redirect without a Location"),
    ("with an empty Location", redirect(""), BAD, "a redirect without a Location"),
    (
        "to choose from",
        reply("300 Multiple Choices", b"hello", Location="/a"),
        STATUS,
        "status 300",
    ),
    ("to a proxy", reply("305 Use Proxy", b"", Location="http://10.1.2.3/"), STATUS, "status 305"),
]

CASES = [
    *(
        Refused(f"{group}: {what}", "http://public.test/", failure, detail, answer)
        for group, rows in (("a length", LENGTHS), ("no HTTP", NO_HTTP), ("a redirect", REDIRECTS))
        for what, answer, failure, detail in rows
    ),
    *(
        Refused(
            f"a bomb: {what}",
            "http://public.test/",
            failure,
            detail,
            answer,
            limits={"max_bytes": 2_000_000},
        )
        for what, answer, failure, detail in BOMBS
    ),
]
