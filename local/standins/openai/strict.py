"""What strict structured outputs ask of a schema.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from collections.abc import Iterator
from typing import Any

from local.standins.openai.errors import invalid
from local.standins.openai.schemas import kind_of


def refuse_loose(schema: Any) -> None:
    """Refuse what strict structured outputs do: open objects, optional properties, defaults."""
    for path, part in _parts(schema, ()):
        problem = None
        if "default" in part:
            problem = "'default' is not permitted."
        elif kind_of(part) == "object" and part.get("additionalProperties") is not False:
            problem = "'additionalProperties' is required to be supplied and to be false."
        elif set(part.get("properties", {})) - set(part.get("required", ())):
            problem = "'required' is required to be an array including every key in properties."
        if problem:
            message = f"Invalid schema for response_format: In context={path}, {problem}"
            raise invalid(message, "text.format.schema", "invalid_json_schema")


def _parts(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """A schema and every schema in it, with where it is."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("properties", "$defs", "definitions"):
        for name, part in schema.get(key, {}).items():
            yield from _parts(part, (*path, key, name))
    for key in ("anyOf", "oneOf", "allOf"):
        for index, part in enumerate(schema.get(key, ())):
            yield from _parts(part, (*path, key, str(index)))
    yield from _parts(schema.get("items"), (*path, "items"))
