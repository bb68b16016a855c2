"""What Pulumi starts and asks over gRPC: a process that says its port and ends when it is told."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc


@contextmanager
def plugin_process(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None
) -> Iterator[grpc.Channel]:
    """A channel to the process, which is told to end afterwards, and does."""
    # What a shell starts in the background ignores interrupts, and so does all that it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
