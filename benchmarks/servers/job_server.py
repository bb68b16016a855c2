"""OpenAI's answers about Batch API jobs, each so many seconds late, in a process of its own.

It is not the stand-in, which builds and checks each answer: that would be on both sides' account.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.servers.own_process import served_by
from local.standins.serving import HOST, Serving

ENDED_EVERY = 50


def job_id(number: int) -> str:
    """The name of a job; every fiftieth has ended."""
    return f"batch_{number:05d}"


@contextmanager
def running(seconds_a_call: float) -> Iterator[str]:
    """The base URL to give OpenAI's SDK."""
    with served_by(__name__, str(seconds_a_call)) as port:
        yield f"http://{HOST}:{port}/v1"


def _app(seconds_a_call: float) -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        time.sleep(seconds_a_call)
        name = environ["PATH_INFO"].rpartition("/")[2]
        has_ended = int(name.removeprefix("batch_")) % ENDED_EVERY == 0
        body = json.dumps(_job(name, "completed" if has_ended else "in_progress")).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    return app


def _job(name: str, status: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "batch",
        "endpoint": "/v1/responses",
        "errors": None,
        "input_file_id": "file-1",
        "completion_window": "24h",
        "status": status,
        "created_at": int(time.time()) - 600,
        "request_counts": {"total": 1000, "completed": 400, "failed": 0},
        "metadata": {"batch_id": name},
    }


def _serve(seconds_a_call: float) -> None:
    serving = Serving("OpenAI", _app(seconds_a_call), 0, threading.Event())
    serving.start()
    print(serving.port, flush=True)
    sys.stdin.read()
    serving.stop()


if __name__ == "__main__":
    _serve(float(sys.argv[1]))
