"""A program is run without what an embedded AWS is made of."""

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

from local.program import run_program

_ROOT = Path(__file__).parents[2]
_LOOKING = """
import gc
import pulumi

pulumi.export("collecting", gc.isenabled())
pulumi.export("preview", pulumi.runtime.is_dry_run())
"""


class _Engine(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        raise AssertionError(f"the program has no resources: {args.name}")

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise AssertionError(f"the program asks nothing: {args.token}")


def _run(program: Path, text: str, *, preview: bool = False) -> dict[str, Any]:
    (program / "Pulumi.yaml").write_text("{name: any, runtime: python}")
    (program / "__main__.py").write_text(text)
    return run_program(
        _Engine(), program=program, stack="any", config={}, secrets={}, preview=preview
    )


def test_garbage_is_not_looked_for_while_a_program_runs(tmp_path: Path) -> None:
    assert _run(tmp_path, _LOOKING)["collecting"] is False
    assert gc.isenabled()


def test_garbage_is_looked_for_after_a_program_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        _run(tmp_path, "1 / 0")
    assert gc.isenabled()


@pytest.mark.parametrize("preview", [True, False])
def test_a_program_knows_whether_it_is_a_preview(tmp_path: Path, preview: bool) -> None:
    assert _run(tmp_path, _LOOKING, preview=preview)["preview"] is preview


def test_no_embedded_aws_is_imported_for_it() -> None:
    asking = "import sys, local.program; print({'moto', 'boto3', 'openai'} & sys.modules.keys())"
    said = subprocess.run(
        [sys.executable, "-c", asking], cwd=_ROOT, stdout=subprocess.PIPE, check=True
    )
    assert said.stdout.decode().strip() == "set()"
