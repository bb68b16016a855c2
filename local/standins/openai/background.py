"""Work that would keep a caller waiting."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

T = TypeVar("T")


class StoppedError(Exception):
    """The stand-in stopped while work was under way; it is to be done again."""


class Background:
    """Does work at once or in a thread; ``stop`` waits for the threads' end.

    ``stopping`` is set before that, and work in a thread looks at it often, by ``keep_on``.
    """

    def __init__(self, stopping: Event) -> None:
        self._stopping = stopping
        self._threads: ThreadPoolExecutor | None = None

    def do(self, work: Callable[[], T], *, aside: bool) -> "Future[T]":
        """Start ``work``, in a thread if ``aside``; otherwise it is done when this returns."""
        if not aside:
            done: Future[T] = Future()
            try:
                done.set_result(work())
            except StoppedError as error:
                done.set_exception(error)
            return done
        if self._threads is None:
            self._threads = ThreadPoolExecutor(2, thread_name_prefix="openai-stand-in-work")
        return self._threads.submit(work)

    def keep_on(self) -> None:
        """Raise StoppedError if the stand-in is stopping."""
        if self._stopping.is_set():
            raise StoppedError("the stand-in is stopping")

    def stop(self) -> None:
        """Give up what has not begun and wait for what has."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None


def outcome(future: "Future[T] | None") -> T | None:
    """What the work came to; None while it is under way, not begun, or given up."""
    if future is None or not future.done() or was_given_up(future):
        return None
    return future.result()


def was_given_up(future: "Future[T]") -> bool:
    """Whether the stand-in stopped before the work was done."""
    return future.done() and (future.cancelled() or isinstance(future.exception(), StoppedError))
