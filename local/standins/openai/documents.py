"""What file search makes of a file: whether it takes it, and the text it finds in it."""

import codecs
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import PurePosixPath

from openai.types.vector_stores.vector_store_file import LastError

from local.standins.openai.records import StoredFile

# https://platform.openai.com/docs/guides/retrieval lists what is taken, by the name's extension.
# fmt: off
TEXT_EXTENSIONS = frozenset((
    ".c", ".cpp", ".cs", ".css", ".go", ".html", ".java", ".js", ".json", ".md", ".php", ".py",
    ".rb", ".sh", ".tex", ".ts", ".txt",
))
# Taken and indexed by OpenAI; this stand-in takes them and finds no text in them.
BINARY_EXTENSIONS = frozenset((".doc", ".docx", ".pdf", ".pptx"))

_BLOCKS = frozenset((
    "p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "section", "article", "title",
    "blockquote", "pre",
))
# fmt: on
_SHORT_PASSAGE = 200
_LONG_PASSAGE = 1200
_BLANK_LINES = re.compile(r"\n\s*\n")
_UNSEEN = frozenset(("script", "style", "template"))


def refusal(file: StoredFile) -> LastError | None:
    """Why file search can't index ``file``, or None: in the live API's words."""
    extension = _extension(file)
    if extension not in TEXT_EXTENSIONS | BINARY_EXTENSIONS:
        return LastError(code="unsupported_file", message="The file type is not supported.")
    if not file.content.strip():
        message = "The file could not be parsed because it is empty."
        return LastError(code="invalid_file", message=message)
    if extension in TEXT_EXTENSIONS and _decoded(file.content) is None:
        return LastError(code="invalid_file", message="The file could not be parsed.")
    return None


def passages(file: StoredFile) -> Sequence[str]:
    """The paragraphs of a file's text, short ones put together and long ones cut."""
    extension = _extension(file)
    text = _decoded(file.content) if extension in TEXT_EXTENSIONS else None
    if not text:
        return ()
    if extension == ".html":
        text = _visible(text)
    found: list[str] = []
    for paragraph in filter(None, (part.strip() for part in _BLANK_LINES.split(text))):
        if found and len(found[-1]) < _SHORT_PASSAGE:
            found[-1] = f"{found[-1]}\n\n{paragraph}"
        else:
            found.append(paragraph)
    return [piece for passage in found for piece in _pieces(passage)]


def _extension(file: StoredFile) -> str:
    return PurePosixPath(file.filename).suffix.lower()


def _decoded(content: bytes) -> str | None:
    """Text in UTF-8 or, with its mark, UTF-16."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        return None


def _pieces(passage: str) -> Iterator[str]:
    while len(passage) > _LONG_PASSAGE:
        end = passage.rfind(" ", 0, _LONG_PASSAGE)
        end = end if end > 0 else _LONG_PASSAGE
        yield passage[:end]
        passage = passage[end:].lstrip()
    yield passage


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        if tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(re.sub(r"\s+", " ", data))


def _visible(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts)
