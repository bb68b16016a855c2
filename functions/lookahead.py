"""Work that is done a little ahead of whoever takes its results, in several threads."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

# Each keeps a connection to DynamoDB busy; one processor is busy with fewer.
_THREADS = 16

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Task], Result], tasks: Iterable[Task]
) -> Generator[Result, None, None]:
    """Each task's result, in the order of the tasks; the first error of a task ends it.

    No more than twice as many tasks as there are threads are taken ahead. What is begun when the
    results are no longer wanted (``close``) is brought to its end.
    """
    begun: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for task in tasks:
            begun.append(pool.submit(work, task))
            if len(begun) == 2 * _THREADS:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
