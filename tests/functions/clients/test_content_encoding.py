"""Compressed bodies: unpacked whole and within bounds, or refused."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from functions.clients.web import download
from functions.errors import DownloadFailure
from tests.functions.clients.web_server import Serve, failure, limits, reply


def packed(content: bytes) -> bytes:
    """The same bytes each time, since pytest-xdist wants the same test names of all its workers."""
    return gzip.compress(content, mtime=0)


RAW_DEFLATE = zlib.compressobj(wbits=-15)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", packed(b"hello")),
        ("x-gzip", packed(b"hello")),
        (" GZIP ", packed(b"hello")),
        ("gzip", packed(b"hello") + b"\0\0\0"),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", RAW_DEFLATE.compress(b"hello") + RAW_DEFLATE.flush()),
        ("identity", b"hello"),
    ],
)
def test_a_compressed_body_is_unpacked(serve: Serve, encoding: str, body: bytes) -> None:
    server = serve(reply(body=body, Content_Encoding=encoding))
    assert download(server.url(), limits()).body == b"hello"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", packed(b"hello" * 99)[:-9]),
        ("gzip", packed(b"hello")[:-1]),
        ("gzip", packed(b"hello")[:-8] + b"\0" * 8),
        ("gzip", b"hello"),
        ("gzip", packed(b"hello") + packed(b"world")),
        ("deflate", zlib.compress(b"hello")[:-1]),
        ("deflate", b"hello"),
        ("br", b"\x0b\x02\x80hello\x03"),
        ("zstd", b"(\xb5/\xfd"),
        ("gzip, gzip", packed(packed(b"hello"))),
        ("compress", b"hello"),
    ],
)
def test_data_that_cannot_be_unpacked_whole_is_a_bad_response(
    serve: Serve, encoding: str, body: bytes
) -> None:
    server = serve(reply(body=body, Content_Encoding=encoding))
    assert failure(server.url()).failure is DownloadFailure.BAD_RESPONSE


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", packed), ("deflate", zlib.compress)])
def test_a_bomb_is_too_large_and_never_unpacked(
    serve: Serve, encoding: str, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked: list[int] = []

    class Spy:
        def __init__(self, window: int) -> None:
            self.stream = zlib.decompressobj(window)

        def decompress(self, data: bytes, max_length: int = 0) -> bytes:
            content = self.stream.decompress(data, max_length)
            unpacked.append(len(content))
            return content

    bomb = pack(b"\0" * 20_000_000)
    assert len(bomb) < limits().max_bytes
    server = serve(reply(body=bomb, Content_Encoding=encoding))
    with monkeypatch.context() as patched:
        patched.setattr("functions.clients.content_encoding.zlib", _zlib_with(Spy))
        assert failure(server.url()).failure is DownloadFailure.TOO_LARGE
    assert sum(unpacked) <= limits().max_bytes + 1


def _zlib_with(decompressobj: type) -> object:
    return type("zlib", (), {"decompressobj": decompressobj, "error": zlib.error})
