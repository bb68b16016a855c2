"""The requests of a batch, found by custom id or by place; they are on disk, not in memory."""

import os
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Self

from pydantic_core import from_json

from functions.clients.s3 import Bucket
from functions.errors import InvalidItemError


class RequestIndex:
    """The lines of a batch's targets object, in the order of the job's input file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._starts = array("Q", [0])
        self._places: dict[str, int] = {}
        file.seek(0)
        for line in file:
            self._places[from_json(line)["customId"]] = len(self)
            self._starts.append(self._starts[-1] + len(line))

    @classmethod
    @contextmanager
    def of(cls, bucket: Bucket, key: str) -> Iterator[Self]:
        """The requests of an object; InvalidItemError if it is not there."""
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
