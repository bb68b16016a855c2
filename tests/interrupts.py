"""Being told to end by an interrupt, whoever started the tests."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def noticed() -> Iterator[None]:
    """Processes that are started in the block end when they are interrupted.

    What a shell starts in the background ignores interrupts, and so does all that it starts.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
