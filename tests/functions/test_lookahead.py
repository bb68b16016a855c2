"""Working ahead: in order, side by side, and not too far."""

import threading
from collections.abc import Iterator

import pytest

from functions.lookahead import in_order


def test_results_come_in_the_order_of_the_tasks() -> None:
    later_ones_are_done = threading.Event()

    def work(task: int) -> int:
        if task == 0:
            assert later_ones_are_done.wait(10)
        if task == 5:
            later_ones_are_done.set()
        return task * 2

    assert list(in_order(work, range(100))) == [task * 2 for task in range(100)]


def test_no_more_is_begun_than_may_be_wanted() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(1000):
            taken.append(task)
            yield task

    results = in_order(lambda task: task, tasks())
    assert [next(results) for _ in range(10)] == list(range(10))

    assert len(taken) <= 10 + 32
    results.close()


def test_the_first_error_ends_it_and_no_thread_stays() -> None:
    before = threading.active_count()

    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda task: 1 // (task - 3), range(1000)))
    results = in_order(lambda task: task, range(1000))
    next(results)
    results.close()

    assert threading.active_count() == before
