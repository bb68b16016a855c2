"""The lines of a job's output and error files, as they arrive and as far as collecting reads them.

They may be 200 MB in all, so no more of them is held than the line that is arriving.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from pydantic import BaseModel, StrictStr, ValidationError

# Far beyond any answer: only a file that is none has such lines.
LONGEST_LINE = 8 << 20
KEPT_OF_A_LONGER_ONE = 64 << 10
# Behind what is kept, so that nobody takes it for the whole: no JSON ends with it.
CUT = "…".encode()


class UnreadableLineError(ValueError):
    """A line that names no request; the message says why and repeats nothing of it."""


def raw_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file that comes in blocks of any size, without their ends and blank ones."""
    begun = _BegunLine()
    for block in chain(blocks, (b"\n",)):
        first, *others = block.split(b"\n")
        begun.add(first)
        for part in others:
            line = begun.end()
            begun.add(part)
            if line and not line.isspace():
                yield line


class _BegunLine:
    """A line whose end has not arrived."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, part: bytes) -> None:
        """Put more of it behind what there is."""
        self._parts.append(part)
        self._length += len(part)
        if self._length > LONGEST_LINE:
            self._parts = [b"".join(self._parts)[:KEPT_OF_A_LONGER_ONE]]

    def end(self) -> bytes:
        """The line; the next one begins."""
        if self._length > LONGEST_LINE:
            self._parts.append(CUT)
        line = b"".join(self._parts)
        self._parts, self._length = [], 0
        return line


class _Line(BaseModel):
    """What collecting needs of a line: the whole of it is parsed, and the rest left alone."""

    custom_id: StrictStr


def custom_id(line: bytes) -> str:
    """The name of the request that a line is about; UnreadableLineError."""
    try:
        return _Line.model_validate_json(line).custom_id
    except ValidationError as error:
        [wrong] = error.errors(include_url=False, include_context=False, include_input=False)
        where = "".join(f"{part}: " for part in wrong["loc"])
        raise UnreadableLineError(f"the line answers nothing: {where}{wrong['msg']}") from None
