"""The bundle for Lambda: how large it is, and how long it takes to build, beside pip and zip."""

import tempfile
import zipfile
from pathlib import Path

from benchmarks.cold import usual_bundle
from benchmarks.row import Goal, Row, fastest, under
from infra import bundle

_TIMES = 3
_MOST_SECONDS = 5
_OURS = "functions/"
_MEGABYTE = 1_000_000


def measure() -> Row:
    """Both for Lambda's Python and processor, from the same requirements."""
    with tempfile.TemporaryDirectory() as scratch:
        usual = usual_bundle.zipped(bundle.LAMBDA, Path(scratch, "usual.zip"))
        usual_size, uncompiled = usual.stat().st_size, _size_without_compiled(usual)
        shipped = bundle.build(bundle.LAMBDA)
        _check_that_nothing_is_another(shipped, usual)
        size = shipped.stat().st_size
        seconds = fastest(_Rebuilding(Path(scratch)), times=_TIMES)
    return Row(
        what="the Lambda bundle",
        baseline=f"pip install, zip -r: {usual_size / _MEGABYTE:.1f} MB",
        ours=f"{size / _MEGABYTE:.1f} MB, built in {seconds:.1f} s",
        goals=(
            Goal(
                to_reach="under half the size",
                measured=f"{size / usual_size:.2f} of it",
                is_reached=size < usual_size / 2,
            ),
            under(_MOST_SECONDS, measured=seconds, unit="s"),
        ),
        details=(
            "Both are for Python 3.13 on arm64, from the same pinned wheels, with the same "
            "compression; where both have a file, it is the same. pip compiles what it installs, "
            "for the Python that it runs on, which need not be Lambda's: without that, its bundle "
            f"would be {uncompiled / _MEGABYTE:.1f} MB. The rest is what no function imports, "
            "above all Pinecone's gRPC library. The time is that of the whole zip, as after a "
            f"change of a source, with the wheels there; the fastest of {_TIMES}."
        ),
    )


class _Rebuilding:
    """Builds the whole zip each time, from the wheels that are there already."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._wheels = bundle.install(bundle.REQUIREMENTS, bundle.LAMBDA)

    def __call__(self) -> None:
        with tempfile.TemporaryDirectory(dir=self._scratch) as cache:
            Path(cache, self._wheels.name).symlink_to(self._wheels)
            bundle.build(bundle.LAMBDA, Path(cache))


def _check_that_nothing_is_another(shipped: Path, usual: Path) -> None:
    """ValueError if a file of a package is missing in the usual bundle, or differs there."""
    with zipfile.ZipFile(shipped) as ours, zipfile.ZipFile(usual) as theirs:
        there = {entry.filename: entry.CRC for entry in theirs.infolist()}
        other = [
            entry.filename
            for entry in ours.infolist()
            if not entry.filename.startswith(_OURS) and there.get(entry.filename) != entry.CRC
        ]
    if other:
        raise ValueError(f"not of the same packages: {other[:10]}")


def _size_without_compiled(archive: Path) -> int:
    with zipfile.ZipFile(archive) as content:
        return sum(e.compress_size for e in content.infolist() if not e.filename.endswith(".pyc"))
