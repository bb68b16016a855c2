"""Cutting a finished job into chunks, which are written to S3 while the next ones are cut."""

import json
from collections import deque
from concurrent.futures import Executor, Future

from functions.clients.s3 import Bucket
from functions.completions.chunks import chunks_key, entries_key, entry_line, lines_key
from functions.completions.messages import ChunkRef

MOST_ENTRIES = 250
MOST_BYTES = 4 << 20
"""Of raw lines; a line that is longer is alone in its chunk."""
MOST_REQUEST_BYTES = 256 << 10
"""Of the requests' lines, at 20 bytes and more a target: what one call of ``apply`` has memory and
time for. A request that is longer is alone."""
WRITES_AT_ONCE = 6
"""Chunks in memory, beside the one that is being filled."""


class ChunkWriter:
    """The chunks of one batch. The same entries in the same order make the same objects."""

    def __init__(self, bucket: Bucket, batch_id: str, pool: Executor) -> None:
        self._bucket = bucket
        self._batch_id = batch_id
        self._pool = pool
        self._chunks: list[str] = []
        self._writes: deque[Future[None]] = deque()
        self._begin()

    def add_line(self, text: bytes, *, request: bytes | None, reason: str | None = None) -> None:
        """A raw line with the line of its request; or alone, with the reason."""
        size = len(text) + 1
        self._make_room(size, request or b"")
        place = len(self._lines)
        self._entries.append(entry_line(request, line=place, reason=reason))
        self._lines.append(text)

    def add_unanswered(
        self, request: bytes, *, reason: str, counts_attempt: bool, needs_review: bool
    ) -> None:
        """The line of a request that no raw line answers."""
        self._make_room(0, request)
        self._entries.append(
            entry_line(
                request,
                line=None,
                reason=reason,
                counts_attempt=counts_attempt,
                needs_review=needs_review,
            )
        )

    def finish(self) -> int:
        """Write the rest and then the list of the chunks, of which there is at least one."""
        if self._entries or not self._chunks:
            self._write()
        while self._writes:
            self._writes.popleft().result()
        refs = [ChunkRef(batch_id=self._batch_id, chunk=chunk).to_wire() for chunk in self._chunks]
        # Last: whoever reads the list finds all that it names. What a broken-off attempt wrote
        # beyond it is in no list.
        self._bucket.put(chunks_key(self._batch_id), json.dumps(refs).encode())
        return len(refs)

    def _make_room(self, size: int, request: bytes) -> None:
        """For an entry: its raw line has so many bytes, with its end."""
        if (
            len(self._entries) == MOST_ENTRIES
            or (self._size and self._size + size > MOST_BYTES)
            or (self._request_size and self._request_size + len(request) > MOST_REQUEST_BYTES)
        ):
            self._write()
        self._size += size
        self._request_size += len(request)

    def _write(self) -> None:
        if len(self._writes) == WRITES_AT_ONCE:
            self._writes.popleft().result()
        chunk = f"{len(self._chunks) + 1:05d}"
        lines = b"\n".join([*self._lines, b""])
        self._writes.append(self._pool.submit(self._put, chunk, lines, b"".join(self._entries)))
        self._chunks.append(chunk)
        self._begin()

    def _begin(self) -> None:
        self._entries: list[bytes] = []
        self._lines: list[bytes] = []
        self._size = self._request_size = 0

    def _put(self, chunk: str, lines: bytes, entries: bytes) -> None:
        self._bucket.put(lines_key(self._batch_id, chunk), lines)
        self._bucket.put(entries_key(self._batch_id, chunk), entries)
