"""Answers in JSON: a value that is valid for a schema and says what the material says."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.standins.openai.errors import invalid
from local.standins.openai.prose import Material, Quote, heading
from local.standins.openai.retrieval import Hit

_DEEPEST = 8
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_SOURCES = frozenset(("source", "sources", "file", "files", "filename", "filenames"))
_TITLES = frozenset(("title", "headline", "heading", "name", "label", "topic"))
_LIMITS = frozenset(("const", "enum", "format", "pattern", "minLength", "maxLength"))
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
}


class Filler:
    """Makes one answer for one schema.

    Strings are sentences of the material. A field that is named after a source (``source``,
    ``files``, ``fileIds``) names the files that the sentences beside it came from: by id where the
    name says ``id``, else by filename.
    """

    def __init__(self, schema: Mapping[str, Any], material: Material) -> None:
        self._root = schema
        self._material = material
        self.quoted: list[Quote] = []
        self._object_start = 0

    def fill(self) -> Any:
        """The answer."""
        return self._value(self._root, "", 0)

    def _value(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        schema = self._resolved(schema, depth)
        if "const" in schema or "enum" in schema:
            return self._choice(schema.get("enum") or [schema["const"]])
        value: Any
        match kind_of(schema):
            case "object":
                value = self._object(schema, depth)
            case "array":
                value = self._array(schema, name, depth)
            case "integer" | "number" as kind:
                value = _number(schema, whole=kind == "integer")
            case "boolean":
                value = True
            case "null":
                value = None
            case _:
                value = self._string(schema, name)
        return value

    def _resolved(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        """``schema`` with its reference, its alternatives and its parts made into one schema."""
        while True:
            alternatives = schema.get("anyOf") or schema.get("oneOf")
            if "$ref" in schema:
                schema = {**self._at(schema["$ref"]), **_without(schema, "$ref")}
            elif alternatives:
                chosen = self._alternative(alternatives, depth)
                schema = {**chosen, **_without(schema, "anyOf", "oneOf")}
            elif schema.get("allOf"):
                parts = [self._resolved(part, depth) for part in schema["allOf"]]
                schema = _merged([*parts, _without(schema, "allOf")])
            else:
                return schema

    def _alternative(self, schemas: Sequence[Mapping[str, Any]], depth: int) -> Mapping[str, Any]:
        """The first that says something; null where it has gone too deep."""
        nulls = [schema for schema in schemas if schema.get("type") == "null"]
        others = [schema for schema in schemas if schema.get("type") != "null"]
        return nulls[0] if nulls and (depth > _DEEPEST or not others) else others[0]

    def _at(self, reference: str) -> Mapping[str, Any]:
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                found = found[step.replace("~1", "/").replace("~0", "~")]
        return dict(found)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """All properties; those that name sources last, when it is known what was quoted."""
        outer, self._object_start = self._object_start, len(self.quoted)
        properties: Mapping[str, Any] = schema.get("properties", {})
        values: dict[str, Any] = {}
        for name in sorted(properties, key=_is_source):
            values[name] = self._value(properties[name], name, depth + 1)
        self._object_start = outer
        return {name: values[name] for name in properties}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        items: Mapping[str, Any] = schema.get("items", {})
        fewest, most = schema.get("minItems", 0), schema.get("maxItems", 1000)
        if _is_source(name) and _is_free_text(self._resolved(items, depth)):
            found = self._sources(name)[:most]
            return found + [""] * (fewest - len(found))
        wanted = 0 if depth > _DEEPEST else max(1, 3 - depth // 2)
        length = min(max(wanted, fewest), most)
        return [self._value(items, name, depth + 1) for _ in range(length)]

    def _choice(self, options: Sequence[Any]) -> Any:
        """The option that the last quote mentions, or else the first."""
        said = self.quoted[-1].sentence.lower() if self.quoted else ""
        mentioned = (option for option in options if str(option).lower() in said)
        return next(mentioned, options[0])

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        longest = schema.get("maxLength", 100_000)
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if _is_source(name):
            if self._material.hits and len(self.quoted) == self._object_start:
                self._sentence()
            text = next(iter(self._sources(name)), "")
        else:
            text = self._sentence()
            text = heading(text) if _TITLES & _words(name) else text
        while len(text) < schema.get("minLength", 0):
            text = f"{text} {self._sentence()}".strip()
        text = text[:longest]
        if "pattern" in schema and not re.search(schema["pattern"], text):
            message = f"This stand-in finds no text for '{name}' that matches its pattern."
            raise invalid(message, "text.format.schema")
        return text

    def _sentence(self) -> str:
        quote = self._material.take()
        self.quoted.append(quote)
        return quote.sentence

    def _sources(self, name: str) -> list[str]:
        """The files of what this object has quoted; of everything found where it has not."""
        quoted = self.quoted[self._object_start :]
        hits: Sequence[Hit] = (
            [quote.hit for quote in quoted if quote.hit] if quoted else self._material.hits
        )
        by_id = bool({"id", "ids"} & _words(name))
        return list(dict.fromkeys(hit.file.id if by_id else hit.file.filename for hit in hits))


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type of value that ``schema`` describes; of a nullable one, the other type."""
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        return next((name for name in kind if name != "null"), "null")
    return str(kind)


def _number(schema: Mapping[str, Any], *, whole: bool) -> float:
    """The middle of the bounds, or the nearest to one; a multiple where that is asked."""
    step = schema.get("multipleOf", 1 if whole else None)
    edge = step or 0.001
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + edge
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - edge
    if low is not None and high is not None:
        value = (low + high) / 2
    elif low is not None:
        value = max(1, low)
    else:
        value = 1 if high is None else min(1, high)
    if step:
        value = value // step * step
        value += step if low is not None and value < low else 0
    return int(value) if whole else value


def _is_free_text(schema: Mapping[str, Any]) -> bool:
    return kind_of(schema) == "string" and not _LIMITS & schema.keys()


def _is_source(name: str) -> bool:
    return bool(_SOURCES & _words(name))


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD_ENDS.split(name)}


def _without(schema: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in keys}


def _merged(schemas: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for schema in schemas:
        properties = {**merged.get("properties", {}), **schema.get("properties", {})}
        merged.update(schema)
        if properties:
            merged["properties"] = properties
    return merged
