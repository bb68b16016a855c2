"""How requests are split into batches."""

from collections import deque
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.completions.submission import drafts
from functions.completions.submission.drafts import Draft, Limits, fill
from functions.completions.submission.prompts import Prompt
from functions.completions.targets import Request
from tests.functions.completions.submission.submissions import label, receipt_id
from tests.functions.conftest import LogLines


def made(number: int, size: int, labels: int = 1) -> Prompt:
    """A request about so many labels whose line has so many bytes."""
    targets = [label(number, word=word).id for word in range(1, labels + 1)]
    request = Request(receipt=receipt_id(number), targets=targets)
    return Prompt(request=request, line=b"x" * (size - 1) + b"\n")


class Waiting(deque[Prompt]):
    """Prompts that wait, at hand."""

    def peek(self) -> Prompt | None:
        return self[0] if self else None

    def take(self) -> Prompt:
        return self.popleft()


@dataclass(frozen=True)
class Read:
    """What a batch would be sent as."""

    lines: list[bytes]
    requests: list[Request]


def filled(waiting: Waiting, limits: Limits) -> Read:
    """What goes into the next batch."""
    with closing(Draft()) as draft:
        fill(draft, waiting, limits)
        found = read(draft)
        assert draft.request_count == len(found.lines)
        assert draft.bytes == sum(len(line) for line in found.lines)
        assert draft.target_count == sum(len(request.targets) for request in found.requests)
        assert draft.tokens <= (limits.free_tokens if limits.free_tokens is not None else 10**9)
        return found


def read(draft: Draft) -> Read:
    draft.lines.seek(0)
    draft.targets.seek(0)
    return Read(
        lines=list(draft.lines), requests=[Request.from_line(line) for line in draft.targets]
    )


def limits(
    requests: int = 100, size: int = 10_000, tokens: int | None = None, free: int | None = None
) -> Limits:
    return Limits(requests=requests, bytes=size, tokens=tokens, free_tokens=free)


def sizes(*each: int) -> Waiting:
    return Waiting(made(number, size) for number, size in enumerate(each, 1))


@pytest.mark.parametrize(
    ("allowed", "taken"),
    [
        (limits(), 4),
        (limits(requests=3), 3),
        (limits(size=30), 3),
        (limits(size=29), 2),
        (limits(tokens=100, free=15), 3),
        (limits(tokens=100, free=14), 2),
        (limits(tokens=100, free=0), 0),
    ],
)
def test_a_batch_holds_no_more_than_it_may(allowed: Limits, taken: int) -> None:
    waiting = sizes(10, 10, 10, 10)

    assert len(filled(waiting, allowed).lines) == taken
    assert len(waiting) == 4 - taken


def test_a_batch_asks_about_no_more_labels_than_can_be_claimed_in_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drafts, "MOST_TARGETS", 10)
    waiting = Waiting(made(number, 10, labels) for number, labels in enumerate((5, 4, 30, 30), 1))

    asked = [[len(one.targets) for one in filled(waiting, limits()).requests] for _ in range(2)]

    assert asked == [[5, 4, 30], [30]], "a receipt that asks for more is asked about all the same"


def test_what_no_batch_could_hold_is_reported_and_keeps_no_other_waiting(
    logged: LogLines,
) -> None:
    waiting = Waiting([made(1, 10), made(2, 200, labels=3), made(3, 10), made(4, 90), made(5, 10)])

    batch = filled(waiting, limits(size=100, tokens=40, free=20))

    assert [request.receipt for request in batch.requests] == [
        receipt_id(1),
        receipt_id(3),
        receipt_id(5),
    ]
    told = [(line["receipt"], line["labels"], line["prompt_tokens"]) for line in logged()]
    assert told == [(receipt_id(2).custom_id, 3, 100), (receipt_id(4).custom_id, 1, 45)]


def test_what_has_room_later_is_not_passed_by() -> None:
    waiting = sizes(10, 60, 10)

    assert len(filled(waiting, limits(tokens=40, free=20)).lines) == 1
    assert len(waiting) == 2


@given(
    st.lists(st.integers(2, 60), max_size=40),
    st.integers(1, 6),
    st.integers(20, 100),
    st.none() | st.integers(10, 40),
)
def test_splitting_loses_nothing_and_keeps_the_order(
    each: Iterable[int], requests: int, size: int, tokens: int | None
) -> None:
    waiting = sizes(*each)
    allowed = limits(requests, size, tokens, tokens)
    possible = [prompt for prompt in waiting if allowed.ever(prompt)]
    found: list[Read] = []

    while waiting and (batch := filled(waiting, allowed)).lines:
        found.append(batch)
        assert len(batch.lines) <= requests
        assert sum(map(len, batch.lines)) <= size

    assert [line for batch in found for line in batch.lines] == [each.line for each in possible]
    assert [request.receipt for batch in found for request in batch.requests] == [
        each.request.receipt for each in possible
    ]
    assert not waiting


@given(st.lists(st.integers(2, 30), min_size=1, max_size=20), st.integers(0, 100))
def test_a_batch_is_as_full_as_it_may_be(each: list[int], free: int) -> None:
    waiting = sizes(*each)
    allowed = limits(requests=5, tokens=100, free=free)

    taken = filled(waiting, allowed).lines

    with closing(Draft()) as draft:
        for number, line in enumerate(taken):
            draft.add(made(number + 1, len(line)))
        assert not waiting or not allowed.now(draft, waiting[0])
