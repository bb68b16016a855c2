"""From a download's bytes to its characters."""

import codecs
import re

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Python knows more codecs: some take quadratic time, some make what is no character.
_CHARSETS = re.compile(
    r"ascii|utf-(?:8|16|32)|iso|cp\d|koi8|gb|big5|euc|shift_jis|hz|tis|mac|johab"
)
# A byte has a meaning in cp1252 that it has not in these, and that is what their users mean
# (https://encoding.spec.whatwg.org/#names-and-labels).
_SUBSETS_OF_CP1252 = frozenset({"ascii", "iso8859-1"})

_HEAD = 4096  # bytes in which a page names its charset; browsers look at 1024
_IN_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w:.-]{2,40})", re.IGNORECASE | re.ASCII)
_IN_PAGE = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.IGNORECASE)


def decode(body: bytes, content_type: str) -> str:
    """The text by its byte-order mark, its declared charset, UTF-8, or the best guess; no error.

    What the declared charset cannot read becomes U+FFFD, as in a browser.
    """
    for mark, charset in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body.removeprefix(mark).decode(charset, "replace")
    declared = _declared(body, content_type)
    if declared is not None:
        return body.decode(declared, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        is_page = "html" in content_type.lower() or b"<html" in body[:_HEAD].lower()
        return body.decode(errors="replace") if is_page else _western(body)


def _declared(body: bytes, content_type: str) -> str | None:
    """The codec of the charset in the header, or else in the page."""
    in_header = _IN_HEADER.search(content_type)
    codec = _codec(in_header[1]) if in_header else None
    if codec is not None:
        return codec
    in_page = _IN_PAGE.search(body, 0, _HEAD)
    codec = _codec(in_page[1].decode("ascii")) if in_page else None
    # A page whose ASCII could be read for this is no UTF-16, whatever it says.
    return codec if codec and not codec.startswith(("utf-16", "utf-32")) else None


def _codec(charset: str) -> str | None:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    if name in _SUBSETS_OF_CP1252:
        return "cp1252"
    return name if _CHARSETS.match(name) else None


def _western(body: bytes) -> str:
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError:
        return body.decode("latin-1")
