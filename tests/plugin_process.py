"""What Pulumi starts and asks over gRPC: a process that says its port and is then told to end."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc


@contextmanager
def plugin_process(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None
) -> Iterator[grpc.Channel]:
    """A channel to the process, which is interrupted afterwards, as Pulumi does."""
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
        # Pulumi kills what has not ended by then: an interrupt that comes just before
        # the process goes to sleep is not heard.
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
