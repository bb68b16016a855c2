"""The zip that goes to Lambda: small, the same each time, and enough to import every handler."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from functions.ingest import page_process
from infra import bundle
from tests.infra.conftest import ROOT, Deploy

pytestmark = [pytest.mark.bundle]


@pytest.fixture(scope="session")
def archive() -> Path:
    return bundle.build(bundle.LAMBDA)


@pytest.fixture(scope="session")
def machine_archive() -> Path:
    return bundle.build(bundle.THIS_MACHINE)


def test_the_bundle_is_under_15_megabytes(archive: Path) -> None:
    assert archive.stat().st_size < 15_000_000


def test_two_builds_are_byte_identical(archive: Path, tmp_path: Path) -> None:
    # The second build has a cache of its own, so nothing is taken over from the first.
    again = bundle.build(bundle.LAMBDA, tmp_path)
    assert again.name == archive.name
    assert again.read_bytes() == archive.read_bytes()


def test_the_bundle_holds_what_runs_and_nothing_else(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()
    assert "functions/ingest/handler.py" in names
    assert any(name.startswith("openai/") for name in names)
    unwanted = re.compile(
        r"\.pyc$|__pycache__|\.dist-info/(?!METADATA$)|^boto(3|core)/|^urllib3/|^jmespath/|^h2/|^hpack/|^hyperframe/|^infra/|^local/|^tests/"
    )
    assert [name for name in names if unwanted.search(name)] == []


def test_compiled_code_in_the_bundle_is_for_lambdas_processor(archive: Path) -> None:
    names = [name for name in zipfile.ZipFile(archive).namelist() if name.endswith(".so")]
    assert names
    assert [name for name in names if "aarch64" not in name] == []


def test_every_handler_imports_from_the_bundle_and_the_runtime_alone(
    deploy: Deploy, machine_archive: Path, tmp_path: Path
) -> None:
    # The same build for this machine's platform, with boto3 beside it as in Lambda's runtime.
    with zipfile.ZipFile(machine_archive) as archive:
        archive.extractall(tmp_path / "task")
    runtime = bundle.install(ROOT / "local" / "runtime-requirements.txt", bundle.THIS_MACHINE)
    deployed = deploy(webhook_secret="whsec_any")
    handlers = {f.inputs["handler"] for f in deployed.of("aws:lambda/function:Function")}
    # The process that reads pages for the ingest function.
    for handler in handlers | {f"{page_process._SERVER}.main"}:
        module, _, name = handler.rpartition(".")
        program = (
            f"import sys; sys.path[:0] = [{str(tmp_path / 'task')!r}, {str(runtime)!r}]; "
            f"import {module}; assert callable({module}.{name}); "
            "loaded = {m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)}; "
            "assert not any('site-packages' in file for file in loaded), loaded"
        )
        subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, cwd=tmp_path)


def test_nothing_is_done_when_a_handler_is_imported(deploy: Deploy) -> None:
    deployed = deploy(webhook_secret="whsec_any")
    handlers = {f.inputs["handler"] for f in deployed.of("aws:lambda/function:Function")}
    modules = ", ".join(handler.rpartition(".")[0] for handler in sorted(handlers))
    # No environment, no network, no credentials: an import that read any of them would fail.
    program = (
        "import socket, os, threading\n"
        "def refuse(*_): raise AssertionError('a connection at import')\n"
        "socket.socket.connect = refuse\n"
        "os.environ.clear()\n"
        f"import {modules}\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_the_functions_import_neither_the_infrastructure_nor_the_local_stack() -> None:
    foreign = re.compile(r"^\s*(from|import) (infra|local|policy)\b", re.MULTILINE)
    for file in (ROOT / "functions").rglob("*.py"):
        assert not foreign.search(file.read_text()), file


def test_a_changed_source_gives_another_bundle(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "functions"
    shutil.copytree(ROOT / "functions", copy)
    (copy / "errors.py").write_text("changed = True\n")
    monkeypatch.setattr(bundle, "_ROOT", tmp_path)
    monkeypatch.setattr(bundle, "_FUNCTIONS", copy)
    assert bundle.build(bundle.LAMBDA).name != archive.name
