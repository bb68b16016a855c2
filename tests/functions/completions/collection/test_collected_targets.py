"""Whatever a job's files hold: every target of the batch is in exactly one entry."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job, JobError
from functions.clients.s3 import Bucket
from functions.completions.batches import BatchSummary
from functions.completions.chunks import Entry, entries_key, lines_key
from functions.completions.collection import cutting
from functions.completions.collection.collecting import collect
from functions.completions.entities import iso
from functions.completions.vocabulary import BatchStatus
from tests.functions.completions.collection.pending_batches import name, request

REQUESTS = 6


class Openai:
    """One job, which has ended, and its files."""

    def __init__(self, status: str, files: Sequence[Sequence[bytes]], refused: list[int]) -> None:
        self._files = {f"file-{number}": file for number, file in enumerate(files) if file}
        ids = [file_id if file_id in self._files else None for file_id in ("file-0", "file-1")]
        self._job = Job(
            id="batch_1",
            status=status,
            created_at=0,
            output_file_id=ids[0],
            error_file_id=ids[1],
            errors=tuple(JobError(code="c", message="m", line=line) for line in refused),
        )

    def job(self, _job_id: str) -> Job:
        return self._job

    @contextmanager
    def content(self, file_id: str) -> Iterator[Iterator[bytes]]:
        yield iter(self._files[file_id])


class OneBatch:
    """A table with the batch alone."""

    def get(self, _key: object) -> dict[str, object]:
        return BatchSummary(
            batch_id="b",
            status=BatchStatus.PENDING,
            submitted_at=iso(0),
            model="m",
            targets_key="targets",
            target_count=2 * REQUESTS,
            request_count=REQUESTS,
            prompt_tokens=0,
            openai_batch_id="batch_1",
        ).to_item()

    def update(self, _key: object, changes: dict[str, object], **_when: object) -> bool:
        self.changes = changes
        return True


class InMemory:
    """A bucket with the targets of the batch."""

    name = "bucket"

    def __init__(self) -> None:
        self.objects = {"targets": b"".join(request(n).to_line() for n in range(REQUESTS))}

    def blocks(self, key: str) -> Iterator[bytes]:
        return iter([self.objects[key]])

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body


def answer(custom_id: object) -> bytes:
    return json.dumps({"custom_id": custom_id, "response": None}).encode()


LINES = st.one_of(
    # More often than not a line that is in order, of a request or of one that the batch has not.
    st.integers(0, REQUESTS + 1).map(lambda number: answer(name(number))),
    st.integers(0, REQUESTS + 1).map(lambda number: answer(name(number))[:-4]),
    st.one_of(st.none(), st.integers(), st.text()).map(answer),
    st.binary(max_size=8).map(lambda text: text.replace(b"\n", b"")),
)


@st.composite
def files(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """The lines of a file that are not blank, and the file in blocks."""
    lines = draw(st.lists(LINES, max_size=10))
    content = b"\n".join(lines) + draw(st.sampled_from([b"", b"\n"]))
    size = draw(st.integers(1, 60))
    blocks = [content[start : start + size] for start in range(0, len(content), size)]
    return [line for line in lines if line.strip()], blocks


@given(
    output=files(),
    errors=files(),
    status=st.sampled_from(["completed", "failed", "expired", "cancelled"]),
    refused=st.lists(st.integers(-1, REQUESTS + 2), max_size=2),
)
def test_every_target_and_every_line_is_in_exactly_one_entry(
    output: tuple[list[bytes], list[bytes]],
    errors: tuple[list[bytes], list[bytes]],
    status: str,
    refused: list[int],
) -> None:
    bucket, table = InMemory(), OneBatch()
    jobs = Openai(status, [output[1], errors[1]], refused)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "MOST_ENTRIES", 4)
        collected = collect(
            cast("Table", table),
            cast("Bucket", bucket),
            cast("BatchJobs", jobs),
            batch_id="b",
            now=1.0,
        )

    found, lines = Counter[object](), []
    for ref in json.loads(bucket.objects[collected.chunks_key]):
        raw = bucket.objects[lines_key("b", ref["chunk"])].split(b"\n")[:-1]
        entries = bucket.objects[entries_key("b", ref["chunk"])].splitlines()
        read = [Entry.from_line(entry) for entry in entries]
        assert [entry.line for entry in read if entry.line is not None] == list(range(len(raw)))
        lines += raw
        for entry in read:
            found.update(entry.targets)
            assert entry.request is not None or entry.line is not None
            assert entry.line is not None or entry.reason
            if entry.request is not None and entry.line is not None:
                answered = json.loads(raw[entry.line])["custom_id"]
                assert answered == entry.request.receipt.custom_id

    assert found == {target: 1 for n in range(REQUESTS) for target in request(n).targets}
    assert lines == output[0] + errors[0], "in the order of the files"
