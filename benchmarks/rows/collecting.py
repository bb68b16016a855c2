"""Collecting a job as large as OpenAI allows: 50,000 lines, 200 MB.

``python -m benchmarks.rows.collecting SIDE URL TARGETS KEPT`` is one side, once.
"""

import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any, cast

from botocore.response import StreamingBody
from openai import OpenAI
from pydantic import BaseModel

from benchmarks.row import Goal, Row, times_faster
from benchmarks.servers.keys import AnyKey
from benchmarks.servers.result_server import serving
from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions.batches import BatchSummary
from functions.completions.chunks import Entry
from functions.completions.collection.collecting import collect
from functions.completions.entities import iso
from functions.completions.vocabulary import BatchStatus

_LINES = 50_000
_A_CHUNK = 250
_S3_SECONDS = 0.02
"""A put. AWS speaks of 100 to 200 ms for small objects, which would be worse for the baseline:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""
_RUNS = 2


class Took(BaseModel):
    """What one run took: seconds of the clock and of the processor, bytes of memory."""

    wall: float
    cpu: float
    grown: int


def measure() -> Row:
    """Time and memory of both sides, each run in a process of its own (Linux)."""
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        output, targets = directory / "output.jsonl", directory / "targets.jsonl"
        _make(output, targets)
        megabytes = output.stat().st_size / 1e6
        with serving(output) as url:
            for side, read in (("baseline", _baseline_kept), ("ours", _our_kept)):
                kept = directory / side
                kept.mkdir()
                _run(side, url, targets, kept)
                _check(read(kept), output, targets)
            runs = [
                (_run("baseline", url, targets), _run("ours", url, targets)) for _ in range(_RUNS)
            ]
    baseline, ours = (min(side, key=lambda run: run.wall) for side in zip(*runs, strict=True))
    return Row(
        what=f"collecting a {_LINES:,}-line, {megabytes:.0f} MB result",
        baseline=f"read all, split, `json.loads`: {_figures(baseline)}",
        ours=_figures(ours),
        goals=(
            times_faster(2, baseline=baseline.wall, ours=ours.wall),
            Goal(
                to_reach="a tenth of the memory",
                measured=f"1/{baseline.grown / ours.grown:.0f}",
                is_reached=10 * ours.grown <= baseline.grown,
            ),
        ),
        details=_DETAILS.format(
            put=_S3_SECONDS * 1000, baseline=baseline, ours=ours, cpu=baseline.cpu / ours.cpu
        ),
    )


_DETAILS = """\
Each side runs in a process of its own and gets the file, through OpenAI's SDK, from a server on
loopback in a third, as fast as it takes it; the lines answer requests about the sample receipts.
S3 takes {put:.0f} ms to put an object and keeps nothing. What boto3 does with an object's bytes is
not counted, nor are imports. The baseline has the whole text, parses each line once for its custom
id, keeps the line under it, and puts 250 requests with their lines at a time, one object after
another. `collect` streams: it parses a line as it arrives, finds its request in an index on disk,
and cuts the next chunk while up to six are being put. Before the timed runs, each side's objects
are read back: every request is there once, with its own line, byte for byte. Memory is the peak of
the resident set over what it was after the imports.

Of the processor's time, the baseline takes {baseline.cpu:.2f} s and `collect` {ours.cpu:.2f} s
({cpu:.1f} ×): both receive 200 MB and look at every byte of every line. The rest of the difference
is waiting for S3, which happens meanwhile here.
"""


def _figures(took: Took) -> str:
    return f"{took.wall:.2f} s, {took.grown / 1e6:.0f} MB"


def _baseline(url: str, s3: "_S3") -> None:
    """All of it at once: read, parsed line by line, matched, and put in chunks.

    It keeps the lines and not what was parsed of them, so that they need not be dumped again.
    """
    client = OpenAI(base_url=url, api_key="any")
    job = client.batches.retrieve("batch_1")
    text = client.files.content(job.output_file_id or "").text
    answers = {json.loads(line)["custom_id"]: line for line in text.splitlines()}
    asked = s3.get_object(Bucket="bucket", Key="targets")["Body"].read().decode()
    requests = {json.loads(line)["customId"]: line for line in asked.splitlines()}
    names = list(requests)
    for number, start in enumerate(range(0, len(names), _A_CHUNK)):
        some = names[start : start + _A_CHUNK]
        body = "".join(f"{requests[name]}\n{answers.get(name, '')}\n" for name in some)
        s3.put_object(Bucket="bucket", Key=f"{number:05d}.jsonl", Body=body.encode())


def _ours(url: str, s3: "_S3") -> None:
    collect(
        cast("Table", _Table()),
        Bucket(cast("Any", s3), "bucket"),
        BatchJobs(AnyKey(), base_url=url, timeout_seconds=30, max_retries=0),
        batch_id="b",
        now=time.time(),
    )


_SIDES: Mapping[str, Callable[[str, "_S3"], None]] = {"baseline": _baseline, "ours": _ours}


class _S3:
    """S3's client: an object takes a while to be put, and is kept if there is a place for it."""

    def __init__(self, targets: Path, kept: Path | None) -> None:
        self._targets = targets
        self._kept = kept

    def get_object(self, **_asked: str) -> dict[str, Any]:
        length = self._targets.stat().st_size
        return {"Body": StreamingBody(cast("Any", self._targets.open("rb")), length)}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: ARG002, N803
        if self._kept is None:
            time.sleep(_S3_SECONDS)
        else:
            (self._kept / Key.replace("/", "-")).write_bytes(Body)


class _Table:
    """The label table with the one batch."""

    def get(self, _key: object) -> dict[str, Any]:
        return BatchSummary(
            batch_id="b",
            status=BatchStatus.PENDING,
            submitted_at=iso(time.time()),
            model="m",
            targets_key="targets",
            target_count=1,
            request_count=_LINES,
            prompt_tokens=0,
            openai_batch_id="batch_1",
        ).to_item()

    def update(self, *_key: object, **_condition: object) -> bool:
        return True


def _make(output: Path, targets: Path) -> None:
    """A job's requests, and their answers in another order."""
    # Not above: the sides are to have imported nothing that only this needs.
    from benchmarks.work.answered import answered  # noqa: PLC0415

    samples = [
        (one.request.to_line(), one.line + b"\n", one.request.receipt.image_id.encode())
        for one in answered()
    ]
    images = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))).encode() for number in range(_LINES)]
    pairs = list(zip(islice(cycle(samples), _LINES), images, strict=True))
    with targets.open("wb") as file:
        file.writelines(request.replace(old, new) for (request, _, old), new in pairs)
    with output.open("wb") as file:
        file.writelines(line.replace(old, new) for (_, line, old), new in reversed(pairs))


def _baseline_kept(kept: Path) -> Iterator[tuple[bytes, bytes]]:
    for file in kept.iterdir():
        lines = file.read_bytes().splitlines()
        yield from zip(lines[::2], lines[1::2], strict=True)


def _our_kept(kept: Path) -> Iterator[tuple[bytes, bytes]]:
    for file in kept.glob("*.entries.jsonl"):
        lines = file.with_name(file.name.replace(".entries", "")).read_bytes().split(b"\n")
        for entry in map(Entry.from_line, file.read_bytes().splitlines()):
            if entry.request and entry.line is not None:
                yield entry.request.to_line().rstrip(), lines[entry.line]


def _check(found: Iterator[tuple[bytes, bytes]], output: Path, targets: Path) -> None:
    """Each request is there once with its own line, and nothing else is; or ValueError."""
    with targets.open("rb") as requests, output.open("rb") as lines:
        pairs = zip(requests, reversed(list(lines)), strict=True)
        wanted = Counter(hash((request.rstrip(), line.rstrip())) for request, line in pairs)
    if Counter(map(hash, found)) != wanted:
        raise ValueError("not every request was collected once, with its line")


def _run(side: str, url: str, targets: Path, kept: Path | None = None) -> Took:
    command = [sys.executable, "-m", __name__, side, url, str(targets), str(kept or "")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return Took.model_validate_json(done.stdout.splitlines()[-1])


def _memory(name: str) -> int:
    """A figure of this process as Linux tells it, in bytes."""
    status = Path("/proc/self/status").read_text()
    [kilobytes] = [row.split()[1] for row in status.splitlines() if row.startswith(f"{name}:")]
    return int(kilobytes) * 1024


def _main() -> None:
    side, url, targets, kept = sys.argv[1:]
    s3 = _S3(Path(targets), Path(kept) if kept else None)
    before, cpu, wall = _memory("VmRSS"), time.process_time(), time.perf_counter()
    _SIDES[side](url, s3)
    took = Took(
        wall=time.perf_counter() - wall,
        cpu=time.process_time() - cpu,
        grown=_memory("VmHWM") - before,
    )
    print(took.model_dump_json())


if __name__ == "__main__":
    _main()
