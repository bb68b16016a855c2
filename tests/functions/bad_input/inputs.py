"""What nobody should send: values of every kind, and good values with one part spoiled."""

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, get_type_hints

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from functions.errors import FlowError

# The same examples in each run: a change that breaks something is told by its own tests, and not
# by those of whoever comes next. What failed once stays as an @example.
few, some, many = (
    settings(
        max_examples=number,
        derandomize=True,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    for number in (10, 30, 60)
)

HALF_A_CHARACTER = "\ud83d"
NASTY_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\n",
    "\x1b[31m",
    HALF_A_CHARACTER,
    "../../x",
    "..",
    "a/b?c#d%2e",
    "٣",
    "\u202e\u2028",
    "null",
    "NaN",
    "x" * 300,
    "é" * 5_000,
    "{}",
)
NASTY_NUMBERS = (0, -1, 2**63, 10**40, 10**400, -(10**400), 1.5, 1e300, float("nan"), float("inf"))

texts = st.sampled_from(NASTY_TEXTS) | st.text(max_size=30)
numbers = st.sampled_from(NASTY_NUMBERS) | st.integers() | st.floats()
scalars = st.none() | st.booleans() | numbers | texts
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
# What a table gives: numbers are Decimals of up to 38 digits, and there are sets and bytes.
_decimals = st.sampled_from(
    [Decimal(n) for n in ("0", "-1", "1.5", "1E+125", "-1E+125", "1E-130", "9" * 38)]
) | st.integers(-(10**9), 10**9).map(Decimal)
_kept_texts = texts.filter(lambda text: HALF_A_CHARACTER not in text)
# Where a name or bytes are empty, moto loses its way.
_names = _kept_texts.filter(bool)
_leaves = st.none() | st.booleans() | _decimals | _kept_texts | st.binary(min_size=1, max_size=4)
item_values: st.SearchStrategy[Any] = (
    st.recursive(
        _leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
        max_leaves=6,
    )
    | st.sets(_names, min_size=1, max_size=3)
    | st.sets(st.integers(0, 9).map(Decimal), min_size=1, max_size=3)
)

MISSING = object()


def spoiled(good: Any, values: st.SearchStrategy[Any] = json_values) -> st.SearchStrategy[Any]:
    """A good value in which one part, at any depth, is another or missing."""
    parts = list(_parts(good))
    return st.builds(
        lambda path, value: _with(good, path, value),
        st.sampled_from(parts),
        st.just(MISSING) | values,
    )


def each_part_missing(good: Any) -> list[Any]:
    """The value without one of its parts, for each part."""
    return each_part_as(good, MISSING)


def each_part_as(good: Any, *values: Any) -> list[Any]:
    """The value with each of these in the place of each of its parts."""
    return [_with(good, path, value) for path in _parts(good) for value in values]


def check_fields(value: Any) -> None:
    """What came out is what its types say, in every field."""
    if is_dataclass(value):
        for name, hint in get_type_hints(type(value), include_extras=True).items():
            TypeAdapter(hint).validate_python(getattr(value, name), strict=True)
            check_fields(getattr(value, name))
    elif isinstance(value, (list, tuple)):
        for part in value:
            check_fields(part)


def _parts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a value but the value itself."""
    inner: Any = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, part in inner:
        yield (*path, key)
        yield from _parts(part, (*path, key))


def _with(good: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(good)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if value is MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return changed


def with_a_key_twice(good: Mapping[str, Any], key: str, value: Any) -> str:
    """JSON of an object with one of its keys once more."""
    return f"{json.dumps(good)[:-1]}, {json.dumps(key)}: {json.dumps(value)}}}"


DEEP = "[" * 50_000 + "]" * 50_000
DEEP_OBJECT = '{"domain":' * 20_000 + "1" + "}" * 20_000
# SQS takes 256 KB a message.
LONG = json.dumps({"domain": "x" * 262_000})


class OnlyOurErrors(suppress):
    """Lets pass what is ours; anything else goes on and fails the test."""

    def __init__(self) -> None:
        super().__init__(FlowError)


def assert_plain(value: Any) -> None:
    """What came out can be stored and sent: whole characters, and numbers that a table holds."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, float):
        assert abs(value) < 1e30, value
    elif isinstance(value, int):
        assert abs(value) < 10**38, value
    elif isinstance(value, Decimal):
        assert abs(value) < Decimal(10**38), value
    elif isinstance(value, BaseModel):
        assert_plain(dict(value))
    elif is_dataclass(value):
        assert_plain([getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, Mapping):
        assert_plain([*value, *value.values()])
    elif isinstance(value, (list, tuple, set)):
        for part in value:
            assert_plain(part)
    else:
        assert value is None, f"a {type(value).__name__} came out"


def check_told(error: FlowError, *what: str) -> None:
    """An error fits a log line and an item, and brings nothing along that repeats the input."""
    assert len(str(error)) < 2_000
    assert error.__cause__ is None, "pydantic's error repeats what was sent"
    assert all(part in str(error) for part in what)
