"""The API's limits on what may be sent, refused in OpenAI's words and codes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from openai.types import StaticFileChunkingStrategy

from local.standins.openai.errors import ApiError, invalid

Attributes = dict[str, str | float | bool]

MAX_PAIRS = 16
MAX_KEY_CHARACTERS = 64
MAX_VALUE_CHARACTERS = 512

_JSON_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def known_only(body: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse a field that the operation does not have."""
    for name in body:
        if name not in known:
            raise invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")


def missing(param: str) -> ApiError:
    """A field that must be there is not."""
    return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def wrong_type(param: str, expected: str, found: Any) -> ApiError:
    """A field holds another type than the API takes."""
    name = _JSON_NAMES.get(type(found), type(found).__name__)
    message = f"Invalid type for '{param}': expected {expected}, but got {name} instead."
    return invalid(message, param, "invalid_type")


def one_of(value: Any, allowed: Sequence[str], param: str) -> str:
    """``value`` if it is one of ``allowed``."""
    if value not in allowed:
        names = ", ".join(f"'{name}'" for name in allowed)
        message = f"Invalid value: '{value}'. Supported values are: {names}."
        raise invalid(message, param, "invalid_value")
    return str(value)


def prefixed(value: str, prefix: str, param: str) -> str:
    """``value`` if it looks like an id of the right kind."""
    if not value.startswith(prefix):
        message = f"Invalid '{param}': '{value}'. Expected an ID that begins with '{prefix}'."
        raise invalid(message, param, "invalid_value")
    return value


def integer(value: Any, param: str, lowest: int, highest: int) -> int:
    """``value`` as an integer within its bounds; a query string's text counts as one."""
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(param, "an integer", value)
    if value > highest:
        message = f"integer above maximum value. Expected a value <= {highest}, but got {value}"
        raise invalid(f"Invalid '{param}': {message} instead.", param, "integer_above_max_value")
    if value < lowest:
        message = f"integer below minimum value. Expected a value >= {lowest}, but got {value}"
        raise invalid(f"Invalid '{param}': {message} instead.", param, "integer_below_min_value")
    return value


def text(value: Any, param: str, longest: int | None = None) -> str:
    """``value`` if it is a string of at most ``longest`` characters."""
    if not isinstance(value, str):
        raise wrong_type(param, "a string", value)
    if longest is not None and len(value) > longest:
        message = (
            f"Invalid '{param}': string too long. Expected a string with maximum length {longest},"
            f" but got a string with length {len(value)} instead."
        )
        raise invalid(message, param, "string_above_max_length")
    return value


def array(value: Any, param: str, longest: int, shortest: int = 1) -> list[Any]:
    """``value`` if it is an array of ``shortest`` to ``longest`` items."""
    if not isinstance(value, list):
        raise wrong_type(param, "an array", value)
    if len(value) < shortest:
        message = f"empty array. Expected an array with minimum length {shortest}"
        raise invalid(f"Invalid '{param}': {message}.", param, "empty_array")
    if len(value) > longest:
        message = (
            f"Invalid '{param}': array too long. Expected an array with maximum length {longest}, "
            f"but got an array with length {len(value)} instead."
        )
        raise invalid(message, param, "array_above_max_length")
    return value


def mapping(value: Any, param: str) -> dict[str, Any]:
    """``value`` if it is an object; null counts as an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_type(param, "an object", value)
    return value


def attributes(value: Any, param: str = "attributes") -> Attributes:
    """A file's attributes: at most 16, keys to 64 characters, strings to 512, numbers, booleans."""
    pairs = _pairs(value, param)
    for key, item in pairs.items():
        if isinstance(item, str):
            text(item, f"{param}.{key}", MAX_VALUE_CHARACTERS)
        elif not isinstance(item, bool | int | float):
            raise wrong_type(f"{param}.{key}", "a string, number or boolean", item)
    return pairs


def metadata(value: Any, param: str = "metadata") -> dict[str, str]:
    """An object's metadata: as attributes, but strings only."""
    pairs = _pairs(value, param)
    return {key: text(item, f"{param}.{key}", MAX_VALUE_CHARACTERS) for key, item in pairs.items()}


def chunking_strategy(value: Any, param: str = "chunking_strategy") -> StaticFileChunkingStrategy:
    """The strategy asked for; none and ``auto`` are 800 tokens with 400 of overlap."""
    usual = StaticFileChunkingStrategy(max_chunk_size_tokens=800, chunk_overlap_tokens=400)
    if value is None:
        return usual
    value = mapping(value, param)
    kind = one_of(value.get("type"), ("auto", "static"), f"{param}.type")
    known_only(value, ("type",) if kind == "auto" else ("type", "static"))
    if kind == "auto":
        return usual
    if "static" not in value:
        raise missing(f"{param}.static")
    static = mapping(value["static"], f"{param}.static")
    size_name, overlap_name = "max_chunk_size_tokens", "chunk_overlap_tokens"
    size = integer(static.get(size_name), f"{param}.static.{size_name}", 100, 4096)
    overlap = integer(static.get(overlap_name), f"{param}.static.{overlap_name}", 0, size // 2)
    return StaticFileChunkingStrategy(max_chunk_size_tokens=size, chunk_overlap_tokens=overlap)


def _pairs(value: Any, param: str) -> dict[str, Any]:
    pairs = mapping(value, param)
    if len(pairs) > MAX_PAIRS:
        message = (
            f"Invalid '{param}': too many properties. Expected an object with at most {MAX_PAIRS} "
            f"properties, but got an object with {len(pairs)} properties instead."
        )
        raise invalid(message, param, "object_above_max_properties")
    for key in pairs:
        text(key, f"{param} key", MAX_KEY_CHARACTERS)
    return pairs
