"""The configuration's keys: as they are declared, with their bounds, and who sets them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from docs.generate import markdown
from docs.generate.program import ROOT, Program
from infra.settings import Settings

_DECLARED = ROOT / "Pulumi.yaml"
_SECTIONS = {
    "Documents: from the queue to the file batch": ("ingest", "queue", "download", "fallback"),
    "Documents: the file batch": ("vectorStore",),
    "Documents: the market analysis": ("analysis",),
    "Documents: the sweep": ("fileSweep",),
    "Labels: the Batch API": ("completion", "batchRetention"),
    "Labels: webhooks": ("webhook",),
    "Labels: Pinecone": ("pinecone",),
    "The stack": ("",),
}


def keys(_program: Program) -> str:
    """A table a section; a key is in the first that has the beginning of its name."""
    declared: dict[str, dict[str, Any]] = yaml.safe_load(_DECLARED.read_text())["config"]
    sections: dict[str, list[str]] = {heading: [] for heading in _SECTIONS}
    for key in declared:
        sections[next(h for h, starts in _SECTIONS.items() if key.startswith(starts))].append(key)
    return "\n".join(
        f"### {heading}\n\n{_table({key: declared[key] for key in names})}"
        for heading, names in sections.items()
    )


def bounds(key: str) -> dict[str, Any]:
    """What ``Settings`` allows for a key, as JSON Schema; an empty value is told apart."""
    schema: dict[str, Any] = Settings.model_json_schema()["properties"][key]
    if "anyOf" not in schema:
        return schema
    # The first is the value itself: what else it may be given as comes after.
    return {**schema["anyOf"][0], "empty": {"type": "null"} in schema["anyOf"]}


def _table(declared: Mapping[str, Mapping[str, Any]]) -> str:
    stacks = _set_by_stacks()
    return markdown.table(
        ["key", "default", "allowed", "", "set by stacks"],
        [
            (
                markdown.code(key),
                _value(spec["default"]),
                allowed(bounds(key)),
                spec["description"],
                ", ".join(f"{stack} {_value(value)}" for stack, value in stacks.get(key, ())),
            )
            for key, spec in declared.items()
        ],
    )


def allowed(schema: Mapping[str, Any]) -> str:
    """A schema in words."""
    return _words(schema) + (", or empty" if schema.get("empty") else "")


def _words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kind = schema["type"]
    if kind == "boolean":
        return "`true` or `false`"
    if kind == "array":
        most = f" of up to {schema['maxItems']}" if "maxItems" in schema else ""
        return f"a list{most}, each {_words(schema['items'])}"
    return " ".join([{"string": "text"}.get(kind, kind), *_limits(schema)])


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if "exclusiveMinimum" in schema:
        yield f"above {_number(schema['exclusiveMinimum'])}"
    if "minimum" in schema:
        yield f"{_number(schema['minimum'])} to {_number(schema['maximum'])}"
    elif "maximum" in schema:
        yield f"up to {_number(schema['maximum'])}"
    if schema.get("maxLength"):
        yield f"of {schema.get('minLength', 1)} to {schema['maxLength']} characters"
    elif schema.get("minLength"):
        yield "that is not empty"


def _number(value: float) -> str:
    return str(int(value) if value == int(value) else value)


def _value(value: Any) -> str:
    shown = value if isinstance(value, str) else json.dumps(value)
    return markdown.code(shown) if shown else ""


def _set_by_stacks() -> dict[str, list[tuple[str, Any]]]:
    """For each key, the stacks whose files set it, and to what."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for file in sorted(ROOT.glob("Pulumi.*.yaml")):
        config = yaml.safe_load(file.read_text()).get("config") or {}
        for key, value in config.items():
            found.setdefault(key.rpartition(":")[2], []).append((file.stem.split(".")[1], value))
    return found
