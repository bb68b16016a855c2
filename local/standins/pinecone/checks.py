"""What Pinecone takes: https://docs.pinecone.io/reference/api/database-limits"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from local.standins.pinecone.errors import invalid

MOST_VECTORS = 1_000
MOST_IDS = 1_000
MOST_MATCHES = 10_000
MOST_REQUEST_BYTES = 2 * 1024 * 1024
_MOST_ID_CHARACTERS = 512
_MOST_METADATA_BYTES = 40 * 1024


def vector_id(value: Any) -> str:
    """The id of a vector."""
    if not isinstance(value, str) or not value:
        raise invalid("Vector ID must be a string of at least one character")
    if not value.isascii():
        raise invalid(f"Vector ID must be ASCII, but got '{value}'")
    if len(value) > _MOST_ID_CHARACTERS:
        raise invalid(f"Vector ID is longer than {_MOST_ID_CHARACTERS} characters")
    return value


def values(value: Any, dimension: int | None) -> tuple[float, ...]:
    """A dense vector; of ``dimension``, if that is known."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise invalid("Vector values must be a list of numbers")
    if not all(_is_number(number) for number in value):
        raise invalid("Vector values must be finite numbers")
    if dimension is not None and len(value) != dimension:
        raise invalid(
            f"Vector dimension {len(value)} does not match the dimension of the index {dimension}"
        )
    if not any(value):
        raise invalid("Dense vectors must contain at least one non-zero value")
    return tuple(float(number) for number in value)


def metadata(value: Any) -> dict[str, Any]:
    """Metadata, which is flat."""
    if not isinstance(value, Mapping):
        raise invalid("Metadata must be an object")
    for field, held in value.items():
        if not _is_metadata_value(held):
            raise invalid(
                "Metadata value must be a string, number, boolean or list of strings, "
                f"got '{json.dumps(held)}' for field '{field}'"
            )
    return dict(value)


def fits(value: Mapping[str, Any]) -> None:
    """Refuse what is too large for one vector's metadata."""
    size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
    if size > _MOST_METADATA_BYTES:
        raise invalid(
            f"Metadata size is {size} bytes, which exceeds the limit of {_MOST_METADATA_BYTES} "
            "bytes per vector"
        )


def whole_number(value: Any, field: str, most: int) -> int:
    """A number from 1 to ``most``."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise invalid(f"{field} must be from 1 to {most}, got {json.dumps(value)}")
    return value


def _is_metadata_value(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | bool) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
