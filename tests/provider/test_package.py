"""The package that another program installs: all that the components need, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra import bundle
from tests.infra.conftest import ROOT

pytestmark = [pytest.mark.bundle]

# A program that makes the document flow, and tells where its code came from and what it deploys.
PROGRAM = """
import json
import pulumi
import functions, infra

deployed = set()


class Engine(pulumi.runtime.Mocks):
    def new_resource(self, args):
        if args.typ == "aws:lambda/function:Function":
            deployed.add(args.inputs["code"].path)
        return args.name, {"arn": "arn", "name": args.name, "url": "url", **args.inputs}

    def call(self, args):
        raise NotImplementedError


@pulumi.runtime.test
def up():
    openai = infra.OpenAIAccess(key_secret_arn="arn:key")
    made = infra.IngestPipeline("news", infra.IngestPipelineArgs(openai=openai))
    return made.download.queue.url


pulumi.runtime.set_mocks(Engine())
up()
print(json.dumps([infra.__file__, functions.__file__, *deployed]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as ``pip install`` puts it, from a copy of the repository."""
    source = tmp_path_factory.mktemp("repository")
    for name in ("pyproject.toml", "requirements.in"):
        shutil.copy(ROOT / name, source)
    for name in ("infra", "functions", "local", "policy"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("site-packages")
    # The wheels of the bundle, which are not what this is about.
    (target / bundle.build(bundle.LAMBDA).parent.name).symlink_to(ROOT / ".build")
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(target)),
            *("--python", sys.executable, "--no-deps", "--no-build-isolation", str(source)),
        ],
        check=True,
    )
    return target


def test_an_installed_package_makes_the_flow_and_builds_the_same_bundle(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text(PROGRAM)
    printed = subprocess.run(
        [sys.executable, "__main__.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    # All functions have one archive.
    infra, functions, archive = map(Path, json.loads(printed))
    assert infra == installed / "infra" / "__init__.py"
    assert functions == installed / "functions" / "__init__.py"
    # The name has the digest of what is in it.
    assert archive.name == bundle.build(bundle.LAMBDA).name


def test_a_package_takes_no_other_names_and_says_what_it_needs(installed: Path) -> None:
    found = {path.name for path in installed.iterdir()} - {".lock", ".build"}
    [metadata] = [name for name in found if name.endswith(".dist-info")]
    assert found == {"infra", "functions", metadata}
    said = (installed / metadata / "METADATA").read_text().splitlines()
    needs = {line.removeprefix("Requires-Dist: ") for line in said if "Requires-Dist" in line}
    written = (ROOT / "requirements.in").read_text().splitlines()
    assert needs == {line for line in written if not line.startswith("#")}
