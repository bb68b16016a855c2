"""The unpacked bundle is made once and goes when its code has changed for a day."""

import os
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.unpacked import unpack


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "functions-1234.zip"
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("functions/handler.py", "answer = 42\n")
    return path


def test_the_content_is_in_its_code_directory(archive: Path) -> None:
    directory = unpack(archive)
    assert directory == archive.with_suffix("")
    assert (directory / "code" / "functions" / "handler.py").read_text() == "answer = 42\n"


def test_it_is_unpacked_once(archive: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        directories = set(pool.map(unpack, [archive] * 4))
    marked = directories.pop() / "code" / "functions" / "handler.py"
    marked.write_text("answer = 43\n")
    unpack(archive)
    assert not directories
    assert marked.read_text() == "answer = 43\n"
    assert sorted(path.name for path in archive.parent.iterdir()) == [
        "functions-1234",
        "functions-1234.zip",
    ]


@pytest.mark.parametrize(("hours", "is_kept"), [(23, True), (25, False)])
def test_what_was_not_used_for_a_day_goes(archive: Path, hours: int, *, is_kept: bool) -> None:
    earlier = archive.parent / "functions-0000"
    (earlier / "code").mkdir(parents=True)
    then = time.time() - hours * 3600
    os.utime(earlier, (then, then))
    unpack(archive)
    assert earlier.exists() == is_kept


def test_what_is_used_is_kept_however_old(archive: Path) -> None:
    directory = unpack(archive)
    os.utime(directory, (0, 0))
    assert unpack(archive).exists()
