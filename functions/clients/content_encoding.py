"""A response's body, unpacked within bounds: a few kilobytes of gzip can hold gigabytes."""

import zlib

from functions.errors import DownloadError, DownloadFailure

_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # zlib's names for the formats: window bits


def unpack(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The content that came with this Content-Encoding, never unpacked past ``max_bytes``.

    DownloadError (TOO_LARGE, BAD_RESPONSE) if there is more, or the data is broken or cut short.
    """
    if not body or encoding in ("", "identity"):
        return body
    stream = zlib.decompressobj(_window(encoding, body))
    try:
        content = stream.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise DownloadError(DownloadFailure.BAD_RESPONSE, f"{encoding}: {error}") from error
    if len(content) > max_bytes:
        raise too_large(max_bytes)
    # A second gzip member would be left out, and its text lost without a word.
    if not stream.eof or stream.unused_data.startswith(b"\x1f\x8b"):
        raise DownloadError(DownloadFailure.BAD_RESPONSE, f"{encoding} data that is not whole")
    return content


def too_large(max_bytes: int) -> DownloadError:
    """The refusal of more than was allowed, packed or unpacked."""
    return DownloadError(DownloadFailure.TOO_LARGE, f"more than {max_bytes} bytes")


def _window(encoding: str, body: bytes) -> int:
    if encoding in ("gzip", "x-gzip"):
        return _GZIP
    if encoding == "deflate":
        # Zlib's format by RFC 9110, but some servers send the bare stream. Zlib's header is a
        # multiple of 31 whose low nibble is 8 (RFC 1950, section 2.2).
        is_zlib = body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        return _ZLIB if is_zlib else _RAW_DEFLATE
    detail = f"content encoding {encoding[:40]!r}, which nobody asked for"
    raise DownloadError(DownloadFailure.BAD_RESPONSE, detail)
