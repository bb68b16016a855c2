"""Threads that take turns: what a pool is given is done at once, so that a run can be repeated."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


class InTurn(Executor):
    """Does the work when it is given, in the thread that gives it."""

    def __init__(self, *_arguments: Any, **_more: Any) -> None:
        """Any number of workers is one."""

    def submit(self, work: Callable[..., T], /, *arguments: Any, **more: Any) -> "Future[T]":
        """A future that is done."""
        future: Future[T] = Future()
        try:
            future.set_result(work(*arguments, **more))
        except BaseException as error:  # noqa: BLE001 - a pool's thread keeps whatever was raised
            future.set_exception(error)
        return future


@contextmanager
def one_thread() -> Iterator[None]:
    """While the block runs, no module of ``functions`` has a thread but its caller's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("functions.") and hasattr(module, "ThreadPoolExecutor"):
                patch.setattr(module, "ThreadPoolExecutor", InTurn)
        yield
