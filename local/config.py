"""A stack's configuration, layered as Pulumi's engine does it before a program runs.

Lowest first: the defaults that ``Pulumi.yaml`` declares, ``Pulumi.<stack>.yaml``, and what is set
explicitly. The mock monitor that runs the program here does none of this.

The rules are those of the engine's ``workspace.ValidateStackConfigAndApplyProjectConfig``
(https://github.com/pulumi/pulumi/blob/master/sdk/go/common/workspace/config.go), and one more: a
key of this project that ``Pulumi.yaml`` does not declare is refused, for it is misspelt.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_TYPES = ("string", "integer", "boolean", "array", "object")


class ConfigError(ValueError):
    """A configuration with which ``pulumi up`` would not start."""


@dataclass(frozen=True)
class Declaration:
    """What ``Pulumi.yaml`` says of one key. Without a type, any value is right."""

    type: str | None = None
    items: Mapping[str, Any] | None = None
    default: Any = None

    def accepts(self, text: str) -> bool:
        """Whether ``text``, as ``pulumi config set`` would store it, is of this type."""
        if self.type is None or self.type == "string":
            return True
        if self.type == "boolean":
            return text in ("true", "false")
        if self.type == "integer":
            return text.removeprefix("-").removeprefix("+").isdecimal()
        try:
            value = json.loads(text)
        except ValueError:
            return False
        if self.type == "object":
            return isinstance(value, dict)
        return isinstance(value, list) and all(self._accepts_item(item) for item in value)

    def _accepts_item(self, item: Any) -> bool:
        declared = self.items or {}
        return Declaration(declared.get("type"), declared.get("items")).accepts(_text(item))


def project_name(project_file: Path) -> str:
    """The project's name, which is the namespace of its keys."""
    name = _read(project_file).get("name")
    if not isinstance(name, str):
        raise ConfigError(f"{project_file}: no name of the project")
    return name


def load_config(
    project_file: Path, stack_file: Path, overrides: Mapping[str, str]
) -> dict[str, str]:
    """Every key with its namespace, as ``pulumi.Config`` finds them, and its value as text.

    ``overrides`` are texts, as for ``pulumi config set``; a key without a namespace is one of this
    project. A missing stack file is an empty one. Values that the stack file holds encrypted are
    left out, since only Pulumi can read them. ConfigError says which key is wrong, and where.
    """
    name = project_name(project_file)
    declared = {
        _key(name, key): _declaration(project_file, key, body)
        for key, body in (_read(project_file).get("config") or {}).items()
    }
    given = {key: _text(d.default) for key, d in declared.items() if d.default is not None}
    stack = _read(stack_file).get("config") or {} if stack_file.exists() else {}
    for source, values in ((stack_file.name, stack), ("the values given", overrides)):
        for key, value in values.items():
            if not _is_encrypted(value):
                _set(given, declared, _key(name, key), _text(value), source)
    missing = sorted(key for key in declared if _of(name, key) and key not in given)
    if missing:
        raise ConfigError(
            f"{stack_file.name} is missing {', '.join(missing)}: {project_file.name} declares "
            "them without a default"
        )
    return given


def _set(
    given: dict[str, str],
    declared: Mapping[str, Declaration],
    key: str,
    text: str,
    source: str,
) -> None:
    declaration = declared.get(key)
    namespace = key.partition(":")[0]
    if declaration is None and any(_of(namespace, known) for known in declared):
        close = difflib.get_close_matches(key, declared, n=1)
        hint = f"; is it {close[0]}?" if close else ""
        raise ConfigError(f"{source}: {key} is not declared in Pulumi.yaml{hint}")
    if declaration is not None and not declaration.accepts(text):
        raise ConfigError(f"{source}: {key} must be of type {declaration.type}, not {text!r}")
    given[key] = text


def _declaration(file: Path, key: str, body: Any) -> Declaration:
    """A key is declared by a mapping of type, default, value ..., or by its value alone."""
    if not isinstance(body, dict):
        return Declaration(default=body)
    kind, items = body.get("type"), body.get("items")
    if kind is not None and kind not in _TYPES:
        raise ConfigError(f"{file}: {key} has type {kind!r}, not one of {', '.join(_TYPES)}")
    if kind == "array" and not isinstance(items, dict):
        raise ConfigError(f"{file}: {key} is an array without items")
    if body.get("secret") and body.get("default") is not None:
        raise ConfigError(f"{file}: {key} is secret, so it can have no plain default")
    declaration = Declaration(kind, items, body.get("default", body.get("value")))
    default = declaration.default
    if default is not None and not _is_of_type(declaration, default):
        raise ConfigError(f"{file}: the default of {key} is not of type {kind}")
    return declaration


def _is_of_type(declaration: Declaration, default: Any) -> bool:
    """A declared default is held to its type more strictly: 1 is no string."""
    if declaration.type == "string":
        return isinstance(default, str)
    return declaration.accepts(_text(default))


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{file}: not a mapping")
    return content or {}


def _key(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _of(namespace: str, key: str) -> bool:
    return key.startswith(f"{namespace}:")


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
