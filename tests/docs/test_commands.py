"""What pages tell a reader to type exists: targets, commands, options, keys, outputs."""

import argparse
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from docs.generate.program import ROOT, Program
from infra.settings import Settings
from local import cli as local_cli
from ops import cli as ops_cli
from tests.docs.conftest import all_pages

_CODE = re.compile(r"^```[^\n]*\n(.*?)^```$|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
_MAKE = re.compile(r"^\s*make (\w+)", re.MULTILINE)
_MODULE = re.compile(r"python -m (local|ops) ([\w-]+)([^#\n]*)")
_OPTION = re.compile(r"(?<![\w-])--[\w-]+")
_KEY = re.compile(r"pulumi config set (?:--(?:secret|path) |--stack \S+ )*'?([a-z]\w+)")
_FILE = re.compile(r"pip install (?:--?\w+ )*-r ([\w./-]+)")
_OUTPUT = re.compile(r"pulumi stack output ([a-z]\w+)")


def code(text: str) -> Iterator[str]:
    """What stands in code; a line that goes on with a backslash is one."""
    for block, span in _CODE.findall(text):
        yield (block or span).replace("\\\n", " ")


@cache
def options() -> dict[tuple[str, str], frozenset[str]]:
    """The options of each command."""
    found = {}
    for module, parser in (("local", local_cli._parser()), ("ops", ops_cli._parser())):
        [commands] = [
            action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
        ]
        for name, command in commands.choices.items():
            found[module, name] = frozenset(command._option_string_actions)
    return found


def wrong(text: str, outputs: frozenset[str]) -> Iterator[str]:
    """What a page names and is not there."""
    targets = {line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines()}
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    keys = {*declared, *(field.alias for field in Settings.model_fields.values())}
    for each in code(text):
        yield from (f"make {name}" for name in _MAKE.findall(each) if name not in targets)
        yield from (key for key in _KEY.findall(each) if key not in keys)
        yield from (name for name in _FILE.findall(each) if not (ROOT / name).exists())
        yield from (name for name in _OUTPUT.findall(each) if name not in outputs)
        for module, name, rest in _MODULE.findall(each):
            known = options().get((module, name))
            if known is None:
                yield f"python -m {module} {name}"
            else:
                yield from (option for option in _OPTION.findall(rest) if option not in known)


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_everything_that_a_page_has_one_type_exists(page: Path, registered: Program) -> None:
    assert list(wrong(page.read_text(), frozenset(registered.outputs))) == []


def test_what_does_not_exist_is_found() -> None:
    page = """
```
make none   # and
.venv/bin/python -m local up --none
python -m ops none; python -m local demo --report FILE
pulumi config set --secret noneKey; pulumi config set --path 'downloadPorts[0]' 80
pulumi stack output noneUrl
pip install -r none.txt
```
`make demo`, make nothing, `python -m local none`
"""
    assert list(wrong(page, frozenset())) == [
        "make none",
        "noneKey",
        "none.txt",
        "noneUrl",
        "--none",
        "python -m ops none",
        "python -m local none",
    ]
