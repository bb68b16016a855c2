"""Which vectors a query's filter lets through.

``{"field": value}``, ``{"field": {"$eq": value}}`` and ``{"field": {"$in": [value, …]}}``; several
fields must all fit. Pinecone has more: https://docs.pinecone.io/guides/search/filter-by-metadata
"""

from collections.abc import Mapping
from typing import Any

from local.standins.pinecone.errors import invalid


def matches(wanted: Any, metadata: Mapping[str, Any]) -> bool:
    """Whether metadata fits a filter; a list fits if one of its strings does."""
    if not isinstance(wanted, Mapping):
        raise invalid("filter must be an object")
    return all(
        _field_matches(condition, metadata.get(field)) for field, condition in wanted.items()
    )


def _field_matches(condition: Any, held: Any) -> bool:
    accepted = _accepted(condition)
    return any(value in accepted for value in (held if isinstance(held, list) else [held]))


def _accepted(condition: Any) -> list[Any]:
    match condition:
        case {"$in": list(values), **rest} if not rest:
            return values
        case {"$eq": value, **rest} if not rest:
            return [value]
        case Mapping() | list():
            raise invalid(f"the stand-in's filters know $eq and $in, not {condition}")
        case _:
            return [condition]
