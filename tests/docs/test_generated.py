"""Generated parts are what `make docs` would write now, and say all there is to say."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import infra
from docs.generate.configuration import bounds
from docs.generate.pages import PAGES, filled
from docs.generate.program import ROOT, Program
from docs.generate.refusals import EXAMPLES, problems, settings
from infra import combinations
from infra.problems import Problem
from infra.settings import Settings

_DECLARED = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_make_docs_writes(page: str, registered: Program) -> None:
    text = (ROOT / page).read_text()
    assert filled(text, PAGES[page], registered) == text, f"{page} is out of date: run `make docs`"


def test_marks_and_parts_are_the_same(registered: Program) -> None:
    part = {"a": lambda _program: "new\n"}
    page = "kept\n<!-- begin a -->\nold\n<!-- end a -->\nkept\n"
    written = filled(page, part, registered)
    assert written == "kept\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\nkept\n"
    assert filled(written, part, registered) == written
    for wrong in ("no marks", page + page, page.replace(" a ", " b ")):
        with pytest.raises(ValueError, match="the marks are those of"):
            filled(wrong, part, registered)


def test_resources_are_sorted_as_they_are_registered_in_any_order(registered: Program) -> None:
    names = [(resource.name, resource.type) for resource in registered.resources]
    assert names == sorted(names)


def test_every_declared_key_is_on_the_page_with_its_default_and_description() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    rows = {row.split("|")[1].strip(): row for row in page.splitlines() if row.startswith("| `")}
    for key, spec in _DECLARED.items():
        assert spec["description"] in rows[f"`{key}`"], key
        assert str(spec["default"]).lower().strip("[]") in rows[f"`{key}`"].lower(), key


def test_every_secret_is_on_the_page() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    secrets = {field.alias for field in Settings.model_fields.values()} - _DECLARED.keys()
    for key in secrets - {"stack"}:
        assert f"\n| `{key}` | " in page, f"{key} is not among the secrets"


@pytest.mark.parametrize("key", _DECLARED)
def test_bounds_that_a_description_names_are_those_that_are_checked(key: str) -> None:
    kind = bounds(key)["type"]
    description = _DECLARED[key]["description"]
    if named := re.search(r"(?:\(|from )([\d.]+) to ([\d.]+)", description):
        low, high = map(Decimal, named.groups())
        below = low - 1 if kind != "number" else low / 10
        assert [_accepts(key, kind, n) for n in (below, low, high, high + 1)] == [
            False,
            True,
            True,
            False,
        ]
    elif kind != "array" and (named := re.search(r"\(at most (\d+)\)", description)):
        high = Decimal(named[1])
        assert [_accepts(key, kind, n) for n in (high, high + 1)] == [True, False]


def _accepts(key: str, kind: str, number: Decimal) -> bool:
    """Whether the key may have a number, a text as long, or a list of it as its value."""
    value = {"string": "a" * int(number), "array": [number]}.get(kind, number)
    try:
        settings({key: value})
    except ValidationError as error:
        return key not in {detail["loc"][0] for detail in error.errors()}
    return True


def test_every_refusal_has_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()

    def recorded(**said: Any) -> Problem:
        seen.add(sys._getframe(1).f_lineno)
        return Problem(**said)

    monkeypatch.setattr(combinations, "Problem", recorded)
    for example in EXAMPLES:
        assert len(list(problems(example))) == 1, example
    calls = {node.lineno for node in _calls(inspect.getsource(combinations), "Problem")}
    assert calls == seen, "docs/generate/refusals.py has no example for each refusal"


def _calls(source: str, function: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
            yield node


def test_an_example_shows_what_is_refused() -> None:
    [problem] = problems({"downloadAllowLoopback": True})
    assert str(problem.line) in (ROOT / "docs/configuration.md").read_text()


def test_every_component_and_function_is_on_the_page(registered: Program) -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    components = [name for name in infra.__all__ if f"{name}Args" in infra.__all__]
    functions = [f.name for f in registered.of("aws:lambda/function:Function")]
    assert len(functions) >= 11, "the optional functions are there too"
    for name in (*components, *functions):
        assert f"| `{name}` | " in page, name
