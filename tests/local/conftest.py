"""What the tests of the embedded AWS share."""

import importlib.metadata
import re
import shutil
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import Aws
from local.embedded import EmbeddedAws

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def code_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A functions' bundle, unzipped; one module in it is no Python."""
    directory = tmp_path_factory.mktemp("bundle") / "code"
    shutil.copytree(HERE / "code", directory, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "broken_syntax.py").write_text("def handler(event, context)\n    return 1\n")
    return directory


@pytest.fixture(scope="session")
def runtime_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """boto3 and what it needs, as the Lambda runtime brings it."""
    directory = tmp_path_factory.mktemp("runtime")
    wanted, seen = ["boto3"], set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        distribution = importlib.metadata.distribution(name)
        modules = [file for file in distribution.files or () if file.suffix == ".py"]
        for top in {module.parts[0] for module in modules} - {".."}:
            (directory / top).symlink_to(str(distribution.locate_file(top)))
        wanted += [
            re.split(r"[^\w.-]", requirement)[0]
            for requirement in distribution.requires or ()
            if "extra ==" not in requirement
        ]
    return directory


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip such as the program gives its functions; nobody runs it."""
    path = tmp_path_factory.mktemp("archive") / "functions.zip"
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("handlers.py", "# built for Lambda")
    return path


@pytest.fixture(scope="session")
def make_embedded(code_dir: Path, runtime_dir: Path, archive: Path) -> Callable[..., EmbeddedAws]:
    """``make_embedded(consumed, ticks="", **settings)``: the tests' program, not started.

    One of its functions writes the batches that it gets to the file ``consumed``, another counts in
    the file ``ticks`` how often its schedule was due.
    """

    def make(consumed: Path, ticks: str = "", **settings: Any) -> EmbeddedAws:
        defaults = {"secrets": {"apiKey": "sk-secret"}}
        return EmbeddedAws(
            program=HERE / "program",
            code_dir=code_dir,
            runtime_dir=runtime_dir,
            config={"code": str(archive), "consumed": str(consumed), "ticks": ticks},
            **{**defaults, **settings},
        )

    return make


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    """Threads take turns a thousand times more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """A server that the tests of a module share."""
    with Aws() as server:
        yield server


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait for a condition: the first true answer, or a failure after some seconds."""

    def wait(condition: Callable[[], Any], seconds: float = 15) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < deadline, f"{condition} stayed {answer!r} for {seconds} s"
            time.sleep(0.02)
        return answer

    return wait
