"""What the README has one install for the operator command is all that it imports."""

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Prints the top-level modules that are there once all of the command is imported.
IMPORTS = """
import importlib, json, pkgutil, sys
import ops
for found in pkgutil.walk_packages(ops.__path__, "ops."):
    if found.name != "ops.__main__":
        importlib.import_module(found.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_all_that_the_command_imports_is_required() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = set(json.loads(done.stdout))
    assert {"boto3", "rich"} <= imported
    pinned = {
        _plain(line.partition("==")[0])
        for file in ("requirements.txt", "ops/requirements.txt")
        for line in (ROOT / file).read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    }
    needed = {
        _plain(distribution)
        for module, distributions in packages_distributions().items()
        if module in imported and not module.startswith("_")
        for distribution in distributions
    }
    # botocore does without certifi where it is not there.
    assert needed - {"certifi"} <= pinned


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
