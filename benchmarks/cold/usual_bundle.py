"""The usual bundle: what pip installs of the same requirements, and one module, zipped as it is."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra import bundle

HANDLER = "usual_app.handler"
_ROOT = Path(bundle.__file__).parents[1]
CACHE = _ROOT / ".build"
_APP = Path(__file__).with_name("usual_app.py")


def installed(target: bundle.Target) -> Path:
    """A directory with the packages for ``target``, kept for the next run.

    CalledProcessError with pip's own words if they cannot be had.
    """
    pins = hashlib.sha256(bundle.REQUIREMENTS.read_bytes() + repr(target).encode()).hexdigest()[:16]
    directory = CACHE / f"usual-{pins}"
    if not directory.exists():
        directory.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
            subprocess.run(_pip(target, Path(scratch, "task")), check=True)
            Path(scratch, "task").rename(directory)
    return directory


def zipped(target: bundle.Target, archive: Path) -> Path:
    """``archive``, written anew with the packages and the module."""
    with tempfile.TemporaryDirectory() as scratch:
        task = Path(scratch, "task")
        shutil.copytree(installed(target), task)
        shutil.copy(_APP, task)
        return Path(shutil.make_archive(str(archive.with_suffix("")), "zip", task))


def compiled(directory: Path) -> Path:
    """``directory``, made anew: the same where pip has put it, with compiled modules that count."""
    shutil.copytree(installed(bundle.THIS_MACHINE), directory, copy_function=os.link)
    shutil.copy(_APP, directory)
    return directory


def _pip(target: bundle.Target, directory: Path) -> list[str]:
    elsewhere = (
        ["--platform", "manylinux2014_aarch64", "--python-version", target.python]
        if target.platform
        else []
    )
    return [
        *(sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"),
        # Every package that is needed is pinned: Lambda's own are left out, as we do.
        *("--requirement", str(bundle.REQUIREMENTS), "--no-deps"),
        *("--target", str(directory), "--only-binary", ":all:", *elsewhere),
    ]
