"""A Pulumi program of somebody else's: a folder of its own, and none of this program's keys."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra import bundle
from local.program import run_program
from tests.infra.conftest import Recorded, deploy

__all__ = ["deploy"]

PROJECT = "somebody-elses"
STACK = "theirs"

Run = Callable[..., Recorded]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a program's text before the recording engine; its stack has a secret of its own."""
    archive = tmp_path / "functions.zip"
    archive.write_bytes(b"")
    monkeypatch.setattr(bundle, "build", lambda _target: archive)
    (tmp_path / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")

    def run(program: str, engine: Recorded | None = None) -> Recorded:
        (tmp_path / "__main__.py").write_text(program)
        made_of = engine or Recorded()
        made_of.outputs = run_program(
            made_of, program=tmp_path, stack=STACK, config={}, secrets={"openaiApiKey": "sk-test"}
        )
        return made_of

    return run
