"""Lines out of blocks, and the requests that they name."""

import json
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.completions.collection import result_lines
from functions.completions.collection.result_lines import (
    CUT,
    UnreadableLineError,
    custom_id,
    raw_lines,
)


def cut(content: bytes, places: Sequence[int]) -> list[bytes]:
    """Content in blocks that begin at these places."""
    starts = sorted({0, *(place % (len(content) + 1) for place in places)})
    return [content[a:b] for a, b in zip(starts, [*starts[1:], len(content)], strict=True)]


ENDS = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \t\n", b"\r\n\r\n"])
TEXTS = st.binary(min_size=1, max_size=12).filter(lambda text: b"\n" not in text and text.strip())


@given(
    lines=st.lists(st.tuples(TEXTS, ENDS), max_size=8),
    last=st.one_of(st.just(b""), TEXTS),
    places=st.lists(st.integers(min_value=0), max_size=12),
)
def test_lines_are_the_same_wherever_the_blocks_end(
    lines: list[tuple[bytes, bytes]], last: bytes, places: list[int]
) -> None:
    content = b"".join(text + end for text, end in lines) + last
    # A carriage return is the line's own: JSON passes over it, and the line is kept as it came.
    expected = [text + end[: end.index(b"\n")] for text, end in lines] + [last] * bool(last)

    assert list(raw_lines(cut(content, places))) == expected


def test_a_file_of_nothing_has_no_line() -> None:
    assert list(raw_lines([])) == []
    assert list(raw_lines([b"", b"\n", b" \r\n"])) == []


@given(places=st.lists(st.integers(min_value=0), max_size=12), more=st.integers(0, 60))
def test_of_a_line_that_is_too_long_the_beginning_is_kept(places: list[int], more: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result_lines, "LONGEST_LINE", 40)
        patch.setattr(result_lines, "KEPT_OF_A_LONGER_ONE", 10)
        long = b'{"custom_id":"a"}'.ljust(41 + more)
        content = b"before\n" + long + b"\n" + b"x" * 40 + b"\n" + long

        found = list(raw_lines(cut(content, places)))

    kept = b'{"custom_i' + CUT
    assert found == [b"before", kept, b"x" * 40, kept]


def test_a_line_of_which_the_beginning_is_kept_is_never_readable() -> None:
    with pytest.raises(UnreadableLineError):
        custom_id(b'{"custom_id":"a"}   ' + CUT)


def test_a_line_that_does_not_end_is_not_held() -> None:
    tracemalloc.start()
    try:
        [line] = raw_lines(b"x" * (1 << 20) for _ in range(64))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(line) == result_lines.KEPT_OF_A_LONGER_ONE + len(CUT)
    assert peak < 24 << 20


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"custom_id": "a", "respo', "Invalid JSON"),
        (b"<html>503</html>", "Invalid JSON"),
        (b'{"custom_id": "\xff"}', "Invalid JSON"),
        (b"[" * 5000, "Invalid JSON"),
        (b'["custom_id"]', "object"),
        (b'"custom_id"', "object"),
        (b"null", "object"),
        (b"{}", "custom_id: Field required"),
        (b'{"custom_id": null}', "custom_id: Input should be a valid string"),
        (b'{"custom_id": 7}', "custom_id: Input should be a valid string"),
    ],
)
def test_a_line_without_a_name_says_why(line: bytes, reason: str) -> None:
    with pytest.raises(UnreadableLineError, match=reason):
        custom_id(line)


def test_the_reason_repeats_nothing_of_the_line() -> None:
    with pytest.raises(UnreadableLineError) as wrong:
        custom_id(b'{"custom_id": ["4111 1111"], "secret": "4111 1111"}')

    assert "4111" not in str(wrong.value)


@given(name=st.text(), rest=st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_a_line_is_known_by_its_custom_id_alone(name: str, rest: dict[str, object]) -> None:
    line = json.dumps({**rest, "custom_id": name}, ensure_ascii=False)
    assert custom_id(line.encode() + b"\r") == name


@given(st.binary(max_size=60))
def test_any_bytes_are_a_name_or_unreadable(line: bytes) -> None:
    try:
        name = custom_id(line)
    except UnreadableLineError:
        return
    assert json.loads(line)["custom_id"] == name
