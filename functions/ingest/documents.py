"""From downloaded bytes to a document that file search can read.

File search goes by the file name's extension, so that has to be right; and most of a web page is
markup, so it becomes Markdown. What is no document is a DownloadError here, as if nothing had
been there.
"""

import re
import struct
import unicodedata
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from urllib.parse import unquote

from functions.clients.web import Fetched
from functions.errors import DownloadError, DownloadFailure
from functions.ingest.charsets import decode
from functions.ingest.page_process import read_any_page

# https://platform.openai.com/docs/guides/retrieval, "Supported file types"
MEDIA_TYPES = {
    ".c": "text/x-c",
    ".cpp": "text/x-c++",
    ".cs": "text/x-csharp",
    ".css": "text/css",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".go": "text/x-golang",
    ".html": "text/html",
    ".java": "text/x-java",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".php": "text/x-php",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".py": "text/x-python",
    ".rb": "text/x-ruby",
    ".sh": "application/x-sh",
    ".tex": "text/x-tex",
    ".ts": "application/typescript",
    ".txt": "text/plain",
}
_BINARY = frozenset({".doc", ".docx", ".pdf", ".pptx"})
_EXTENSIONS = "|".join(map(re.escape, MEDIA_TYPES))
# Of what file systems take.
_MAX_NAME = 255

# Other names that servers use for a text format; None: text that file search does not take.
_TEXT_TYPES: dict[str, str | None] = {
    **{media: extension for extension, media in MEDIA_TYPES.items() if extension not in _BINARY},
    "application/javascript": ".js",
    "application/x-javascript": ".js",
    "application/x-latex": ".tex",
    "application/x-tex": ".tex",
    "application/xhtml+xml": ".html",
    "text/json": ".json",
    "text/x-c++src": ".cpp",
    "text/x-csrc": ".c",
    "text/x-java-source": ".java",
    "text/x-markdown": ".md",
    "application/jsonl": None,
    "application/rtf": None,
    "application/x-ndjson": None,
    "application/x-yaml": None,
    "application/xml": None,
    "application/yaml": None,
    "message/rfc822": None,
    "text/calendar": None,
    "text/csv": None,
    "text/rtf": None,
    "text/tab-separated-values": None,
    "text/vcard": None,
    "text/vtt": None,
    "text/xml": None,
    "text/yaml": None,
}
_TEXT_EXTENSIONS: dict[str, str | None] = {
    **{extension: extension for extension in MEDIA_TYPES if extension not in _BINARY},
    **dict.fromkeys((".htm", ".xhtml"), ".html"),
    **dict.fromkeys(
        (".csv", ".eml", ".ics", ".jsonl", ".rtf", ".svg", ".tsv", ".xml", ".yaml", ".yml")
    ),
}

# Atomic, since comments can be cut into one another in exponentially many ways.
_HTML = re.compile(
    r"(?>\s+|<!--.*?-->|<\?xml[^>]*>)*+<(?:!doctype\s+html|html)\b", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A file for file search."""

    body: bytes
    extension: str
    media_type: str


def to_document(fetched: Fetched, *, min_characters: int) -> Document:
    """The document that was downloaded, text as UTF-8 and a web page as Markdown.

    DownloadError: EMPTY, UNSUPPORTED_TYPE, TOO_LITTLE_TEXT for text with fewer characters, runs
    of whitespace counted as one, and what a page raises that cannot be read.
    """
    if not fetched.body:
        raise DownloadError(DownloadFailure.EMPTY, "the body is empty")
    extension = _signature(fetched.body)
    if extension is not None:
        # Judged by the signature alone: OpenAI takes the text out, and if it finds none, the
        # file fails in its batch.
        return Document(body=fetched.body, extension=extension, media_type=MEDIA_TYPES[extension])
    text = decode(fetched.body, fetched.content_type)
    extension = _text_extension(text, fetched)
    if extension == ".html":
        page = read_any_page(text)
        extension, text, characters = ".md", page.markdown, page.characters
    else:
        # So many words have at least as many characters; all would be a million objects.
        words = islice(re.finditer(r"\S+", text), min_characters)
        characters = len(" ".join(word[0] for word in words))
    if characters < min_characters:
        detail = f"{characters} characters of text, fewer than {min_characters}"
        raise DownloadError(DownloadFailure.TOO_LITTLE_TEXT, detail)
    return Document(body=text.encode(), extension=extension, media_type=MEDIA_TYPES[extension])


def file_name(url: str, extension: str, *, stack_mark: str, key: str) -> str:
    """``{slug of host and path}.{stack's mark}-{request's key}{extension}``, of safe characters.

    At most 255 of them, with a mark of up to 183: mark and key are kept whole, and the slug, of
    80 at most, gives way.
    """
    host, path = _host_and_path(url)
    name = unquote(path)
    if _extension(url) in _TEXT_EXTENSIONS.keys() | _BINARY:
        name = name.rstrip("/").rpartition(".")[0]
    ascii_name = unicodedata.normalize("NFKD", f"{host}/{name}").encode("ascii", "ignore")
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name.decode().lower()).strip("-") or "document"
    mark = f".{stack_mark}-{key}{extension}"
    return slug[: max(1, min(80, _MAX_NAME - len(mark)))].strip("-") + mark


def key_in(name: str, *, stack_mark: str) -> str | None:
    """The request's key in a name that ``file_name`` made with this mark; None in any other."""
    mark = rf"\.{re.escape(stack_mark)}-([0-9a-f]{{64}})"
    match = re.fullmatch(rf"[a-z0-9]+(?:-[a-z0-9]+)*{mark}(?:{_EXTENSIONS})", name)
    return match[1] if match else None


def _host_and_path(url: str) -> tuple[str, str]:
    """By hand, since a URL that no parser takes needs a name too. Never with credentials."""
    bare = re.sub(r"^[^/?#]*://", "", re.split(r"[?#]", url, maxsplit=1)[0])
    authority, _, path = bare.partition("/")
    return authority.rpartition("@")[2], path


def _extension(url: str) -> str:
    return PurePosixPath(unquote(_host_and_path(url)[1])).suffix.lower()


def _signature(body: bytes) -> str | None:
    """The binary format that the bytes are, whatever their sender says."""
    if body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        return ".pdf"
    if body.startswith(b"PK\x03\x04"):
        members = _zip_directory(body)
        if b"word/document.xml" in members:
            return ".docx"
        return ".pptx" if b"ppt/presentation.xml" in members else None
    # The directory of an OLE file names its streams; .xls and .ppt have others.
    is_word = body.startswith(bytes.fromhex("d0cf11e0a1b11ae1"))
    return ".doc" if is_word and "WordDocument".encode("utf-16-le") in body else None


def _zip_directory(body: bytes) -> bytes:
    """The central directory, unparsed: zipfile makes an object a member, and there may be many."""
    end = body.rfind(b"PK\x05\x06")
    if end < 0 or len(body) < end + 22:
        return b""
    (size,) = struct.unpack_from("<I", body, end + 12)
    return body[max(0, end - size) : end]


def _text_extension(text: str, fetched: Fetched) -> str:
    """The extension for a body without a signature; DownloadError (UNSUPPORTED_TYPE).

    The label of a binary format, of an unknown one or of none says nothing about text.
    """
    media_type = re.split("[;,]", fetched.content_type, maxsplit=1)[0].strip().lower()
    if "\0" in text:
        raise _unsupported(f"binary data sent as {media_type[:80] or 'no type'}")
    if _HTML.match(text, 0, 4096):
        return ".html"
    if text.startswith("{\\rtf"):
        raise _unsupported("application/rtf")
    url_extension = _extension(fetched.url)
    if media_type in _TEXT_TYPES:
        label, extension = media_type, _TEXT_TYPES[media_type]
    elif media_type.endswith(("+json", "+xml")):
        label, extension = media_type[:80], ".json" if media_type.endswith("+json") else None
    elif url_extension in _TEXT_EXTENSIONS:
        label, extension = url_extension, _TEXT_EXTENSIONS[url_extension]
    else:
        label, extension = "xml", None if text.lstrip().startswith("<?xml") else ".txt"
    if extension is None:
        raise _unsupported(label)
    return extension


def _unsupported(what: str) -> DownloadError:
    detail = f"{what} is not a type that file search reads"
    return DownloadError(DownloadFailure.UNSUPPORTED_TYPE, detail)
