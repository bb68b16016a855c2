"""Chunks: how large they are, what is in them, and in which order they are written."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.clients.s3 import Bucket
from functions.completions.chunks import Entry, chunks_key
from functions.completions.collection import cutting
from functions.completions.collection.cutting import WRITES_AT_ONCE, ChunkWriter
from functions.errors import AwsUnavailableError
from tests.functions.completions.collection.pending_batches import request

ANY = request(1).to_line()


class Kept:
    """A bucket in memory."""

    name = "bucket"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body

    def chunk(self, chunk: str) -> tuple[list[bytes], list[Entry]]:
        """Its raw lines and its entries."""
        lines = self.objects[f"batches/b/chunks/{chunk}.jsonl"].split(b"\n")
        entries = self.objects[f"batches/b/chunks/{chunk}.entries.jsonl"].splitlines()
        assert lines.pop() == b""
        return lines, [Entry.from_line(entry) for entry in entries]

    def chunks(self) -> list[str]:
        """Those in the list, in its order."""
        listed = json.loads(self.objects[chunks_key("b")])
        assert all(ref.keys() == {"batchId", "chunk"} and ref["batchId"] == "b" for ref in listed)
        return [ref["chunk"] for ref in listed]


@contextmanager
def writer(bucket: object) -> Iterator[ChunkWriter]:
    with ThreadPoolExecutor(max_workers=WRITES_AT_ONCE) as pool:
        yield ChunkWriter(cast("Bucket", bucket), "b", pool)


@given(sizes=st.lists(st.none() | st.integers(1, 60), max_size=40))
def test_every_entry_is_in_one_chunk_in_order_and_no_chunk_is_too_large(
    sizes: list[int | None],
) -> None:
    kept = Kept()
    with pytest.MonkeyPatch.context() as patch, writer(kept) as chunks:
        patch.setattr(cutting, "MOST_ENTRIES", 5)
        patch.setattr(cutting, "MOST_BYTES", 50)
        for number, size in enumerate(sizes):
            if size is None:
                chunks.add_unanswered(
                    request(number).to_line(), reason="r", counts_attempt=False, needs_review=True
                )
            else:
                chunks.add_line(b"x" * size, request=request(number).to_line())
        count = chunks.finish()

    names = kept.chunks()
    assert names == [f"{number:05d}" for number in range(1, max(count, 1) + 1)]
    found: list[int | None] = []
    for name in names:
        lines, entries = kept.chunk(name)
        assert 0 < len(entries) <= 5 or not sizes
        assert len(lines) == 1 or sum(len(line) + 1 for line in lines) <= 50
        for entry in entries:
            assert entry.request == request(len(found))
            assert (entry.reason == "r") is entry.needs_review is (not entry.counts_attempt)
            found.append(None if entry.line is None else len(lines[entry.line]))
    assert found == sizes


def test_chunks_are_filled() -> None:
    kept = Kept()
    with writer(kept) as chunks:
        for _ in range(600):
            chunks.add_line(b"{}", request=ANY)
        assert chunks.finish() == 3

    assert [len(kept.chunk(name)[1]) for name in kept.chunks()] == [250, 250, 100]


def test_a_chunk_of_long_lines_has_four_megabytes() -> None:
    kept = Kept()
    with writer(kept) as chunks:
        for size in (1 << 20, 1 << 20, 1 << 20, 1 << 20, 5 << 20, 1):
            chunks.add_line(b"x" * size, request=None, reason="unreadable")
        chunks.finish()

    assert [len(kept.chunk(name)[0]) for name in kept.chunks()] == [3, 1, 1, 1]


@pytest.mark.parametrize("answered", [True, False])
def test_a_chunk_asks_about_no_more_than_one_call_can_judge(answered: bool) -> None:
    kept = Kept()
    asked = request(1, [f"LABEL_{'X' * number}" for number in range(400)]).to_line()
    with writer(kept) as chunks:
        chunks.add_line(b"{}", request=b"x" * (1 << 20))
        for _ in range(250):
            if answered:
                chunks.add_line(b"{}", request=asked)
            else:
                chunks.add_unanswered(asked, reason="", counts_attempt=True, needs_review=False)
        chunks.finish()

    sizes = [len(kept.objects[f"batches/b/chunks/{name}.entries.jsonl"]) for name in kept.chunks()]
    assert sizes[0] > 1 << 20, "what is larger is alone"
    assert len(sizes) > 50
    assert all(100 << 10 < size < 300 << 10 for size in sizes[1:-1])


def test_there_is_always_a_chunk() -> None:
    kept = Kept()
    with writer(kept) as chunks:
        assert chunks.finish() == 1

    assert kept.chunk(kept.chunks()[0]) == ([], [])


def test_a_line_for_no_request_has_its_reason() -> None:
    kept = Kept()
    with writer(kept) as chunks:
        chunks.add_line(b"<html>", request=None, reason='not "JSON"')
        chunks.finish()

    assert kept.chunk("00001") == ([b"<html>"], [Entry(request=None, line=0, reason='not "JSON"')])


def test_the_list_is_written_when_all_that_it_names_is_there() -> None:
    class Slow(Kept):
        """Whose chunks are written when the writer has gone on."""

        def __init__(self) -> None:
            super().__init__()
            self.written_before_the_list = -1
            self.may_write = threading.Event()

        def put(self, key: str, body: bytes) -> None:
            if key == chunks_key("b"):
                self.written_before_the_list = len(self.objects)
            else:
                assert self.may_write.wait(10)
            super().put(key, body)

    slow = Slow()
    with writer(slow) as chunks:
        for _ in range(500):
            chunks.add_line(b"{}", request=ANY)
        threading.Timer(0.05, slow.may_write.set).start()
        chunks.finish()

    assert slow.written_before_the_list == 4


def test_no_more_chunks_are_held_than_are_being_written() -> None:
    class Stuck(Kept):
        """Which takes nothing until it is told to."""

        def __init__(self) -> None:
            super().__init__()
            self.release = threading.Event()

        def put(self, key: str, body: bytes) -> None:
            assert self.release.wait(10)
            super().put(key, body)

    stuck, added = Stuck(), 0
    most = (WRITES_AT_ONCE + 1) * 250

    def add_all() -> None:
        nonlocal added
        for _ in range(2 * most):
            chunks.add_line(b"{}", request=ANY)
            added += 1
            full.set() if added == most else None
        chunks.finish()

    full = threading.Event()
    with writer(stuck) as chunks:
        adding = threading.Thread(target=add_all)
        adding.start()
        assert full.wait(10)
        adding.join(0.2)
        assert added == most, "the next line waits for a chunk to be written"
        stuck.release.set()
        adding.join(10)

    assert added == 2 * most


def test_a_write_that_fails_fails_the_whole_and_leaves_no_list() -> None:
    class Broken(Kept):
        def put(self, key: str, body: bytes) -> None:
            if "00002" in key:
                raise AwsUnavailableError("slow down")
            super().put(key, body)

    broken = Broken()
    with writer(broken) as chunks:
        for _ in range(600):
            chunks.add_line(b"{}", request=ANY)
        with pytest.raises(AwsUnavailableError):
            chunks.finish()

    assert chunks_key("b") not in broken.objects
