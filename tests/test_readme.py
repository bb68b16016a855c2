"""The README's tables against what is really there."""

import json
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_config_key_is_in_the_table_as_it_is_declared() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    for key, spec in declared.items():
        default = spec["default"]
        shown = default if isinstance(default, str) else json.dumps(default)
        cell = f"`{shown}` " if shown else ""
        assert f"| `{key}` | {cell}| {spec['description']} |" in README


def test_every_make_target_that_it_names_exists() -> None:
    targets = {line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines()}
    assert {"demo", "test"} <= targets
    assert "make demo" in README
    assert "make test" in README
