"""Records of documents, as files and command lines have them.

A CSV file has a header row with the names of a ``DownloadRequest`` on the wire; an empty cell is no
value, and the parts of a list are separated by ``;``. A JSONL file has an object a line.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from functions.excerpts import excerpt
from functions.messages import DownloadRequest
from ops.errors import OpsError

FIELDS = tuple(to_camel(name) for name in DownloadRequest.model_fields)
LISTS = frozenset({"industries", "markets"})
_OTHER_NAMES = {"legalCompanyName": "legalName"}
# The csv module's own limit of a cell is an eighth of what a message may hold.
_MOST_CHARACTERS = 1_048_576
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with a record, or with the ``field`` of it."""

    where: str
    field: str = ""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A document as it was found: its values by their names on the wire."""

    where: str
    """``FILE:LINE``, from 1."""
    value: Mapping[str, Any]


def records(source: str, argument: int) -> Iterator[Record | Problem]:
    """The records of a file or of a URL, which is the command line's so-and-so-many-th. OpsError.

    Of CSV that is broken the rest is not read: nobody knows where it goes on.
    """
    if source.lower().startswith(("http://", "https://")):
        yield Record(where=f"argument {argument}", value={"url": source})
        return
    file, name = Path(source), excerpt(source)
    readers = {".csv": _csv_records, ".jsonl": _jsonl_records}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise OpsError(f"{name} is neither a URL nor a file that ends in .csv or .jsonl")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise OpsError(f"{name} cannot be read: {error.strerror}") from None
    yield from reader(name, content.removeprefix(_BOM))


def as_list(text: str) -> list[str]:
    """The parts of a list that is one text."""
    return [part.strip() for part in text.split(";") if part.strip()]


def _csv_records(name: str, content: bytes) -> Iterator[Record | Problem]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield Problem(where=f"{name}:{line}", reason="is not UTF-8")
        return
    columns: Sequence[str] | None = None
    for where, row in _rows(name, text):
        if isinstance(row, csv.Error):
            yield Problem(where=where, reason=f"is not CSV: {row}")
        elif columns is None:
            columns = [_OTHER_NAMES.get(cell.strip(), cell.strip()) for cell in row]
            if problems := [*_header_problems(where, columns)]:
                yield from problems
                return
        elif len(row) != len(columns):
            reason = f"has {len(row)} cells, and the header has {len(columns)}"
            yield Problem(where=where, reason=reason)
        else:
            cells = zip(columns, row, strict=True)
            value = {
                column: as_list(cell) if column in LISTS else cell for column, cell in cells if cell
            }
            yield Record(where=where, value=value)


def _rows(name: str, text: str) -> Iterator[tuple[str, list[str] | csv.Error]]:
    """Each row that is not empty, with the line where it begins."""
    csv.field_size_limit(_MOST_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"{name}:{line}", error
            return
        if row:
            yield f"{name}:{line}", row
        line = reader.line_num + 1


def _header_problems(where: str, columns: Sequence[str]) -> Iterator[Problem]:
    for column, times in Counter(columns).items():
        if column not in FIELDS:
            yield _unknown(where, column)
        elif times > 1:
            yield Problem(where=where, field=column, reason="is there more than once")


def _jsonl_records(name: str, content: bytes) -> Iterator[Record | Problem]:
    for number, line in enumerate(content.split(b"\n"), 1):
        where = f"{name}:{number}"
        if not line.strip():
            continue
        try:
            value = from_json(line)
        except ValueError as error:
            yield Problem(where=where, reason=f"is not JSON: {error}")
            continue
        if not isinstance(value, dict):
            yield Problem(where=where, reason="is no JSON object")
            continue
        for other, field in _OTHER_NAMES.items():
            if other in value and field not in value:
                value[field] = value.pop(other)
        if unknown := [field for field in value if field not in FIELDS]:
            yield from (_unknown(where, field) for field in unknown)
        else:
            yield Record(where=where, value=value)


def _unknown(where: str, field: str) -> Problem:
    reason = f"is no field of a document, which has {', '.join(FIELDS)}"
    return Problem(where=where, field=excerpt(field, 100), reason=reason)
