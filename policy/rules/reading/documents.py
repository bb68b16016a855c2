"""IAM's policy documents and the definitions of state machines."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def allowing(document: str) -> Iterator[Mapping[str, Any]]:
    """The statements of an IAM document that allow something."""
    for statement in listed(json.loads(document)["Statement"]):
        if statement["Effect"] == "Allow":
            yield statement


def listed(value: Any) -> list[Any]:
    """IAM takes one thing wherever it takes a list of them."""
    return value if isinstance(value, list) else [value]


def maps(definition: Any) -> Iterator[Mapping[str, Any]]:
    """Every Map state, however deep, of a definition."""
    if isinstance(definition, dict):
        if definition.get("Type") == "Map":
            yield definition
        for value in definition.values():
            yield from maps(value)
    elif isinstance(definition, list):
        for value in definition:
            yield from maps(value)
