"""OpenAI with one job that has ended, in a process of its own: its file comes at full speed.

``python -m benchmarks.servers.result_server FILE`` prints its port, and serves until its standard
input ends.
"""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.servers.own_process import served_by

_JOB = {
    "id": "batch_1",
    "object": "batch",
    "created_at": 1,
    "status": "completed",
    "output_file_id": "file-1",
}


@contextmanager
def serving(file: Path) -> Iterator[str]:
    """The base URL of an OpenAI whose job has this output file."""
    with served_by(__name__, str(file)) as port:
        yield f"http://127.0.0.1:{port}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    file: Path

    def do_GET(self) -> None:
        """The file for whatever is a file's content, and the job for all else."""
        if self.path.endswith("/content"):
            with self.file.open("rb") as content:
                self._begin(self.file.stat().st_size, "application/octet-stream")
                self.connection.sendfile(content)
        else:
            body = json.dumps(_JOB).encode()
            self._begin(len(body), "application/json")
            self.wfile.write(body)

    def _begin(self, length: int, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.send_header("Content-Type", media_type)
        self.end_headers()

    def log_message(self, *_said: object) -> None:
        """Nothing."""


def _main() -> None:
    _Handler.file = Path(sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        print(server.server_port, flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    _main()
