"""What the benchmark of collecting takes for the whole of a result, and what it does not."""

from pathlib import Path

import pytest

from benchmarks.rows import collecting

PAIRS = [(b'{"customId":"%d"}' % number, b'{"custom_id":"%d"}' % number) for number in range(3)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The job's output, which has its lines in another order, and its targets."""
    output, targets = tmp_path / "output", tmp_path / "targets"
    output.write_bytes(b"".join(line + b"\n" for _, line in reversed(PAIRS)))
    targets.write_bytes(b"".join(request + b"\n" for request, _ in PAIRS))
    return output, targets


def test_each_request_once_with_its_line_is_the_whole(files: tuple[Path, Path]) -> None:
    collecting._check(iter(PAIRS[::-1]), *files)


@pytest.mark.parametrize(
    "found",
    [
        PAIRS[:2],
        [*PAIRS, PAIRS[0]],
        [PAIRS[0], PAIRS[0], PAIRS[1]],
        [(PAIRS[0][0], PAIRS[1][1]), (PAIRS[1][0], PAIRS[0][1]), PAIRS[2]],
        [*PAIRS[:2], (PAIRS[2][0], b"")],
    ],
    ids=["one is missing", "one is twice", "one in another's place", "lines changed", "no line"],
)
def test_anything_else_is_not(found: list[tuple[bytes, bytes]], files: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match="once, with its line"):
        collecting._check(iter(found), *files)
