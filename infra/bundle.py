"""One zip for all functions: ``functions/`` and the pinned wheels of one platform.

The same inputs give the same bytes, so that a preview shows no change when nothing changed. The
wheels are fetched by uv, for the platform that is asked for and not the one it runs on; no Docker.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi

_ROOT = Path(__file__).parent.parent
_FUNCTIONS = _ROOT / "functions"
REQUIREMENTS = _FUNCTIONS / "requirements.txt"
_CACHE = _ROOT / ".build"
# What no function ever imports. Lambda's own runtime compiles in memory; a .pyc carries its
# source's time and would make each build another one.
_LEFT_OUT_DIRS = frozenset(
    {
        *("__pycache__", "bin", "tests"),
        # HTTP/2, which no client here speaks: httpcore2 imports it wherever it is.
        *("h2", "hpack", "hyperframe"),
    }
)
_LEFT_OUT_SUFFIXES = (".pyc", ".pyi")
_LEFT_OUT_FILES = frozenset(
    {
        "py.typed",
        "requirements.in",
        "requirements.txt",
        ".lock",
        "_grpc.abi3.so",  # Pinecone's, and a quarter of the bundle: the functions speak REST
    }
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


@dataclass(frozen=True, kw_only=True)
class Target:
    """A platform to build for; without ``platform``, this machine and its Python."""

    python: str
    platform: str | None = None
    architecture: str = ""

    @property
    def runtime(self) -> str:
        """Lambda's name of the Python version."""
        return f"python{self.python}"


LAMBDA = Target(python="3.13", platform="aarch64-manylinux2014", architecture="arm64")
THIS_MACHINE = Target(python=".".join(map(str, sys.version_info[:2])))


def lambda_archive() -> pulumi.FileArchive:
    """The bundle for Lambda, built if it is not there yet."""
    return pulumi.FileArchive(str(build(LAMBDA)))


def build(target: Target, cache: Path = _CACHE) -> Path:
    """The path of the zip for ``target``, which is built once for each state of the sources."""
    wheels = install(REQUIREMENTS, target, cache)
    entries = sorted(
        [(path.relative_to(_ROOT), path) for path in _shipped(_FUNCTIONS)]
        + [(path.relative_to(wheels), path) for path in _shipped(wheels)]
    )
    digest = hashlib.sha256()
    for name, path in entries:
        digest.update(f"{name.as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    archive = cache / f"functions-{digest.hexdigest()[:16]}.zip"
    if not archive.exists():
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            written = Path(scratch) / archive.name
            _write_zip(written, entries)
            written.replace(archive)
    return archive


def install(requirements: Path, target: Target, cache: Path = _CACHE) -> Path:
    """A directory with the wheels that ``requirements`` pins, for ``target``.

    CalledProcessError with uv's own words if they cannot be had.
    """
    pins = hashlib.sha256(requirements.read_bytes() + repr(target).encode()).hexdigest()[:16]
    directory = cache / f"wheels-{pins}"
    if directory.exists():
        return directory
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        platform = ["--python-platform", target.platform] if target.platform else []
        subprocess.run(
            [
                *(sys.executable, "-m", "uv", "pip", "install", "--quiet"),
                *("--requirement", str(requirements), "--target", f"{scratch}/wheels"),
                *("--python", sys.executable, "--python-version", target.python),
                *("--only-binary", ":all:", "--no-deps", "--no-compile-bytecode", *platform),
            ],
            check=True,
        )
        try:
            Path(scratch, "wheels").rename(directory)
        except OSError:
            # Another process built the same directory first.
            if not directory.exists():
                raise
    return directory


def _shipped(directory: Path) -> Iterator[Path]:
    """The files below a directory that go into the bundle."""
    for parent, folders, files in os.walk(directory):
        folders[:] = [folder for folder in folders if folder not in _LEFT_OUT_DIRS]
        if parent.endswith(".dist-info"):
            # Some packages, httpx2 for one, read their own version from here when imported.
            files[:] = [file for file in files if file == "METADATA"]
            folders.clear()
        for file in files:
            if file not in _LEFT_OUT_FILES and not file.endswith(_LEFT_OUT_SUFFIXES):
                yield Path(parent, file)


def _write_zip(archive: Path, entries: list[tuple[Path, Path]]) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, path in entries:
            info = zipfile.ZipInfo(name.as_posix(), _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            with path.open("rb") as source, bundle.open(info, "w") as entry:
                shutil.copyfileobj(source, entry)
