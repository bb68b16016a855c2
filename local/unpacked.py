"""The functions' bundle for this machine, unpacked beside its zip and kept for the next run.

The bundle has thousands of small files: on a slow disk, unpacking and compiling them takes longer
than everything else that a run needs to begin.
"""

import contextlib
import os
import shutil
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra import bundle

_RUNTIME_REQUIREMENTS = Path(__file__).with_name("runtime-requirements.txt")
_KEPT_SECONDS = 86_400


@dataclass(frozen=True)
class Unpacked:
    """Directories: the functions' code, what Lambda itself brings, and compiled modules."""

    code: Path
    runtime: Path
    compiled: Path


def unpacked() -> Unpacked:
    """Build what is not there yet. CalledProcessError if the packages cannot be had."""
    with ThreadPoolExecutor() as pool:
        archive = pool.submit(bundle.build, bundle.THIS_MACHINE)
        runtime = pool.submit(bundle.install, _RUNTIME_REQUIREMENTS, bundle.THIS_MACHINE)
        # The program itself asks for this one a little later.
        pool.submit(bundle.build, bundle.LAMBDA).result()
    directory = unpack(archive.result())
    return Unpacked(directory / "code", runtime.result(), directory / "compiled")


def unpack(archive: Path) -> Path:
    """A directory beside the archive, with its content in ``code``; unpacked once."""
    directory = archive.with_suffix("")
    if not directory.exists():
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
            with zipfile.ZipFile(archive) as content:
                content.extractall(Path(scratch, archive.stem, "code"))
            try:
                Path(scratch, archive.stem).rename(directory)
            except OSError:
                # Another process unpacked it first.
                if not directory.exists():
                    raise
    os.utime(directory)
    _remove_unused(archive.parent)
    return directory


def _remove_unused(cache: Path) -> None:
    """What was unpacked of code that has changed since goes after a day without use."""
    for directory in cache.glob("functions-*/"):
        with contextlib.suppress(OSError):  # another process may remove it too
            if directory.stat().st_mtime < time.time() - _KEPT_SECONDS:
                shutil.rmtree(directory)
