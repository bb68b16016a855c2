"""Between the functions and the world: counts every call that they make, and has some go wrong."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import pytest

from functions.clients import calls
from tests.faults import vendor_errors

T = TypeVar("T")
LoseNextAnswer = Callable[[str], AbstractContextManager[None]]


class Fault(StrEnum):
    """What can happen to a call."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    TIMEOUT = "timeout"
    LOST_ANSWER = "lost answer"
    """It timed out, but was done all the same."""
    THROTTLE = "throttle"
    SERVER_ERROR = "5xx"
    SENT_AGAIN = "sent again"
    """Its answer was lost on the wire, and what the SDK then does by itself is done."""


_ERRORS: Mapping[Fault, Callable[[str], Exception]] = {
    Fault.TIMEOUT: vendor_errors.timeout,
    Fault.LOST_ANSWER: vendor_errors.timeout,
    Fault.THROTTLE: vendor_errors.throttle,
    Fault.SERVER_ERROR: vendor_errors.server_error,
}


@dataclass(frozen=True, order=True)
class Point:
    """A call that was made: the ``number``-th of its name, from 1, by that function."""

    function: str
    call: str
    number: int

    def __str__(self) -> str:
        return f"{self.function}: {self.call} {self.number}"


def faults_of(call: str) -> list[Fault]:
    """What can happen to a call of that name."""
    if call.endswith(".body"):  # it has begun with a good status, and nobody asks for it again
        return [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.TIMEOUT]
    if call.startswith("web."):  # it changes nothing, and is not tried again by itself
        return [each for each in Fault if each not in (Fault.LOST_ANSWER, Fault.SENT_AGAIN)]
    return list(Fault)


class CrashedError(BaseException):
    """The process has ended. It is no ``Exception``, so that nothing in it goes on."""


@dataclass
class Invocation:
    """A function at work, until ``deadline`` (Unix seconds), when Lambda kills it."""

    function: str
    deadline: float
    crashed: bool = False

    def check(self) -> None:
        """CrashedError for whatever a process would do that is not there any more."""
        self.crashed = self.crashed or time.time() > self.deadline
        if self.crashed:
            raise CrashedError(self.function)


@dataclass
class Seam:
    """Every call of the functions, while ``in_place``.

    ``planned`` says what happens at which point, once. ``between``, if set, is called before each
    call, outside of it: what another worker does at that moment. ``unseen`` are requests that
    reached AWS from a function past the seam: there must be none.
    """

    lose_next_answer: LoseNextAnswer
    planned: dict[Point, Fault] = field(default_factory=dict)
    between: Callable[[Point], None] | None = None
    made: list[Point] = field(default_factory=list)
    happened: list[tuple[Point, Fault]] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    _counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    _at_work: list[Invocation] = field(default_factory=list)
    _under_way: int = 0

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """While the block runs, calls come here."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(calls, "call", self._call)
            yield

    @contextmanager
    def at_work(self, function: str, seconds: float) -> Iterator[Invocation]:
        """While the block runs, calls are this invocation's, which has so many seconds."""
        invocation = Invocation(function, time.time() + seconds)
        outer, self._under_way = self._under_way, 0
        self._at_work.append(invocation)
        try:
            yield invocation
        finally:
            self._at_work.pop()
            self._under_way = outer

    def is_at_work(self, function: str) -> bool:
        """Whether an invocation of it has begun and not ended."""
        return any(invocation.function == function for invocation in self._at_work)

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """While the block runs nothing is counted, and nothing goes wrong but what it plans.

        What comes before a scenario and after it is tried in others.
        """
        outer = self.planned, self.made, self.happened, self._counted
        self.planned, self.made, self.happened, self._counted = {}, [], [], Counter()
        yield
        self.planned, self.made, self.happened, self._counted = outer

    def note_request(self, what: str) -> None:
        """A request reached a service: if a function is at work, it must have come by a call."""
        if self._at_work and not self._under_way:
            self.unseen.append(f"{self._at_work[-1].function}: {what}")

    def _call(self, name: str, request: Callable[[], T]) -> T:
        invocation = self._at_work[-1]
        invocation.check()
        point = self._next_point(invocation.function, name)
        if self.between is not None:
            self._under_way += 1  # what others do at that moment is not this invocation's
            try:
                self.between(point)
            finally:
                self._under_way -= 1
            invocation.check()  # the other one may have taken its time
        fault = self.planned.pop(point, None)
        if fault is not None:
            self.happened.append((point, fault))
        self._under_way += 1
        try:
            return self._with(fault, name, request, invocation)
        finally:
            self._under_way -= 1

    def _with(
        self, fault: Fault | None, name: str, request: Callable[[], T], invocation: Invocation
    ) -> T:
        if fault is None:
            return request()
        if fault is Fault.SENT_AGAIN:
            with self.lose_next_answer(name):
                return request()
        if fault in (Fault.CRASH_AFTER, Fault.LOST_ANSWER):
            request()
        if fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
            invocation.crashed = True
            invocation.check()
        raise _ERRORS[fault](name)

    def _next_point(self, function: str, name: str) -> Point:
        self._counted[function, name] += 1
        point = Point(function, name, self._counted[function, name])
        self.made.append(point)
        return point


def discovered(made: list[Point]) -> list[Point]:
    """The points of a run, each once, in the order of the run."""
    return list(dict.fromkeys(made))
