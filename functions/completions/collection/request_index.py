"""The requests of a batch, found by custom id or by place; they are on disk, not in memory."""

import os
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, BinaryIO, Self

from pydantic import BaseModel, Field, StrictStr, ValidationError

from functions.clients.s3 import Bucket
from functions.errors import InvalidItemError


class RequestIndex:
    """The lines of a batch's targets object, in the order of the job's input file.

    InvalidItemError if one cannot be read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._starts = array("Q", [0])
        self._places: dict[str, int] = {}
        file.seek(0)
        end = 0
        for place, line in enumerate(file):
            self._places[_custom_id(line)] = place
            end += len(line)
            self._starts.append(end)

    @classmethod
    @contextmanager
    def of(cls, bucket: Bucket, key: str) -> Iterator[Self]:
        """The requests of an object; InvalidItemError if it is not there or broken."""
        blocks = bucket.blocks(key)
        if blocks is None:
            raise InvalidItemError(f"{key} is not in the bucket {bucket.name}")
        with tempfile.TemporaryFile() as file:
            for block in blocks:
                file.write(block)
            yield cls(file)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def place(self, custom_id: str) -> int | None:
        """Where the request of that name is, from 0; None if there is none."""
        return self._places.get(custom_id)

    def line(self, place: int) -> bytes:
        """The request's line, with its end."""
        start, end = self._starts[place], self._starts[place + 1]
        return os.pread(self._file.fileno(), end - start, start)


class _Line(BaseModel):
    custom_id: Annotated[StrictStr, Field(alias="customId")]


def _custom_id(line: bytes) -> str:
    try:
        return _Line.model_validate_json(line).custom_id
    except ValidationError:
        raise InvalidItemError("a line of a batch's targets cannot be read") from None
