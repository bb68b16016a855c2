"""Configuration in layers, held to what Pulumi.yaml declares."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from local.config import ConfigError, Declaration, load_config, project_name

Load = Callable[..., dict[str, str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """``load(declared, stack, overrides)``: the files are written, then read."""

    def load(
        declared: Mapping[str, Any],
        stack: Mapping[str, Any] | None = None,
        overrides: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        project_file, stack_file = tmp_path / "Pulumi.yaml", tmp_path / "Pulumi.dev.yaml"
        project_file.write_text(yaml.safe_dump({"name": "shop", "config": dict(declared)}))
        if stack is not None:
            stack_file.write_text(yaml.safe_dump({"config": dict(stack)}))
        return load_config(project_file, stack_file, overrides or {})

    return load


def test_a_declared_default_is_there_as_text(load: Load) -> None:
    declared = {
        "name": {"type": "string", "default": ""},
        "count": {"type": "integer", "default": 3},
        "on": {"type": "boolean", "default": True},
        "ports": {"type": "array", "items": {"type": "integer"}, "default": [80, 443]},
        "limits": {"type": "object", "default": {"a": 1}},
    }

    assert load(declared) == {
        "shop:name": "",
        "shop:count": "3",
        "shop:on": "true",
        "shop:ports": "[80, 443]",
        "shop:limits": '{"a": 1}',
    }


def test_the_stack_file_wins_over_a_default_and_what_is_given_over_both(load: Load) -> None:
    declared = {key: {"type": "integer", "default": 1} for key in ("a", "b", "c")}

    found = load(declared, {"shop:b": 2, "c": 2}, {"c": "3"})

    assert found == {"shop:a": "1", "shop:b": "2", "shop:c": "3"}


def test_a_key_without_a_default_is_required(load: Load) -> None:
    declared = {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "string"}}

    with pytest.raises(ConfigError, match=r"Pulumi\.dev\.yaml is missing shop:a, shop:c"):
        load(declared, {"b": "here"})


def test_a_key_that_is_not_declared_is_refused_with_the_one_that_was_meant(load: Load) -> None:
    declared = {"pollSeconds": {"type": "integer", "default": 1}}

    with pytest.raises(ConfigError, match=r"shop:pollSecond is not declared.*shop:pollSeconds\?"):
        load(declared, {}, {"pollSecond": "2"})
    with pytest.raises(ConfigError, match=r"Pulumi\.dev\.yaml: shop:other is not declared"):
        load(declared, {"other": 2})


def test_keys_of_other_namespaces_pass(load: Load) -> None:
    declared = {"a": {"type": "string", "default": ""}, "aws:region": {"value": "eu-west-1"}}

    assert load(declared, {"gcp:project": "p"}) == {
        "shop:a": "",
        "aws:region": "eu-west-1",
        "gcp:project": "p",
    }


def test_what_the_stack_file_holds_encrypted_is_left_out(load: Load) -> None:
    declared = {"a": {"type": "string", "default": ""}}

    assert load(declared, {"apiKey": {"secure": "v1:abc"}}) == {"shop:a": ""}


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ({"type": "integer"}, "1.5"),
        ({"type": "integer"}, ""),
        ({"type": "integer"}, "ten"),
        ({"type": "boolean"}, "True"),
        ({"type": "boolean"}, "1"),
        ({"type": "array", "items": {"type": "string"}}, "a,b"),
        ({"type": "array", "items": {"type": "integer"}}, '[1, "x"]'),
        ({"type": "array", "items": {"type": "integer"}}, '{"a": 1}'),
        ({"type": "object"}, "[]"),
        ({"type": "object"}, "{"),
    ],
)
def test_a_value_of_another_type_is_refused(
    load: Load, declared: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError, match=f"shop:key must be of type {declared['type']}"):
        load({"key": declared}, {}, {"key": text})


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"type": "number", "default": 1}, "type 'number', not one of"),
        ({"type": "array", "default": []}, "array without items"),
        ({"type": "string", "default": 10}, "default of key is not of type string"),
        ({"type": "integer", "default": "many"}, "default of key is not of type integer"),
        ({"type": "string", "secret": True, "default": "x"}, "can have no plain default"),
    ],
)
def test_a_declaration_that_pulumi_refuses_is_refused(
    load: Load, declared: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load({"key": declared})


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.yaml"):
        project_name(tmp_path / "missing.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("- a list\n")
    with pytest.raises(ConfigError, match="not a mapping"):
        project_name(broken)
    broken.write_text("runtime: python\n")
    with pytest.raises(ConfigError, match="no name"):
        project_name(broken)


@given(st.integers())
def test_every_integer_is_one(number: int) -> None:
    assert Declaration("integer").accepts(str(number))


@given(st.lists(st.integers()))
def test_every_list_of_integers_is_one(numbers: list[int]) -> None:
    assert Declaration("array", {"type": "integer"}).accepts(json.dumps(numbers))
