"""Collects a job as large as OpenAI allows, alone in a process, and says what that took.

Its table and its bucket keep nothing, and its files are made as they are read, so that what the
process holds is what collecting holds.
"""

import json
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.s3 import Bucket
from functions.completions.batches import BatchSummary
from functions.completions.collection.collecting import collect
from functions.completions.entities import iso
from functions.completions.vocabulary import BatchStatus

REQUESTS = 50_000
TARGETS = 9
NAME = "IMAGE#X#RECEIPT#00001"
_BLOCK = 1 << 20


def request_line(name: str) -> str:
    """The line of a receipt with nine labels, as the targets object has it."""
    targets = [[word, 1, "GRAND_TOTAL"] for word in range(1, TARGETS + 1)]
    return json.dumps({"customId": name, "targets": targets}) + "\n"


def result_line(name: str) -> str:
    """Its answer, about 2 KB, as OpenAI's Batch API has it."""
    ids = [
        f"{name}#LINE#{word:05d}#WORD#00001#LABEL#GRAND_TOTAL#VALIDATION_STATUS#NONE"
        for word in range(1, TARGETS + 1)
    ]
    results = [{"id": target, "is_valid": True, "correct_label": None} for target in ids]
    text = {"type": "output_text", "annotations": [], "text": json.dumps({"results": results})}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [text]}
    usage = {"input_tokens": 900, "output_tokens": 700, "total_tokens": 1600}
    body = {"id": "resp_1", "status": "completed", "output": [message], "usage": usage}
    response = {"status_code": 200, "request_id": "req_1", "body": body}
    line = {"id": "batch_req_1", "custom_id": name, "response": response, "error": None}
    return json.dumps(line) + "\n"


def write(path: Path, line: str, numbers: Iterable[int]) -> None:
    """A file of the same line for each number, which stands where the line has an X."""
    with path.open("w") as file:
        file.writelines(line.replace("X", str(uuid.UUID(int=number))) for number in numbers)


def blocks(path: Path) -> Iterator[bytes]:
    """A file, as it comes over the network."""
    with path.open("rb") as file:
        yield from iter(lambda: file.read(_BLOCK), b"")


class _Jobs:
    """OpenAI with the one job; its output file is on disk."""

    def __init__(self, output: Path) -> None:
        self._output = output

    def job(self, job_id: str) -> Job:
        return Job(id=job_id, status="completed", created_at=0, output_file_id="file-1")

    @contextmanager
    def content(self, _file_id: str) -> Iterator[Iterator[bytes]]:
        yield blocks(self._output)


class _Bucket:
    name = "bucket"

    def __init__(self, targets: Path) -> None:
        self._targets = targets
        self.chunks = 0
        self.bytes = 0

    def blocks(self, _key: str) -> Iterator[bytes]:
        return blocks(self._targets)

    def put(self, key: str, body: bytes) -> None:
        if not key.endswith((".entries.jsonl", "chunks.json")):
            self.chunks += 1
            self.bytes += len(body)


class _Table:
    def get(self, _key: object) -> dict[str, Any]:
        return BatchSummary(
            batch_id="b",
            status=BatchStatus.PENDING,
            submitted_at=iso(time.time()),
            model="m",
            targets_key="t",
            target_count=REQUESTS * TARGETS,
            request_count=REQUESTS,
            prompt_tokens=0,
            openai_batch_id="batch_1",
        ).to_item()

    def update(self, *_key: object, **_condition: object) -> bool:
        return True


def peak() -> int:
    """The most memory that this process has had, in bytes (Linux)."""
    status = Path("/proc/self/status").read_text()
    [kilobytes] = [row.split()[1] for row in status.splitlines() if row.startswith("VmHWM")]
    return int(kilobytes) * 1024


def bare_loop(output: Path) -> float:
    """Seconds to read the file, and to parse each line and the answer in it."""
    began = time.process_time()
    with output.open("rb") as file:
        for each in file:
            message = json.loads(each)["response"]["body"]["output"][0]
            json.loads(message["content"][0]["text"])
    return time.process_time() - began


def main(directory: Path) -> None:
    """Print a JSON object of what it took; the files are made in ``directory``."""
    output, targets = directory / "output.jsonl", directory / "targets.jsonl"
    write(targets, request_line(NAME), range(REQUESTS))
    write(output, result_line(NAME), reversed(range(REQUESTS)))
    bucket, before, began = _Bucket(targets), peak(), time.process_time()
    wall = time.perf_counter()
    collected = collect(
        cast("Table", _Table()),
        cast("Bucket", bucket),
        cast("BatchJobs", _Jobs(output)),
        batch_id="b",
        now=time.time(),
    )
    print(
        json.dumps(
            {
                "chunks": collected.chunks,
                "chunks_written": bucket.chunks,
                "bytes_in": output.stat().st_size,
                "bytes_kept": bucket.bytes,
                "seconds": time.process_time() - began,
                "wall": time.perf_counter() - wall,
                "grown": peak() - before,
                "bare_loop_seconds": bare_loop(output),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
