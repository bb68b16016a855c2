"""DynamoDB's conditions and updates, as far as the label table's writers use them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

Value = dict[str, Any]
Item = dict[str, Value]
Values = Mapping[str, Value]
Condition = Callable[[Item, Values], bool]

_TOKEN = re.compile(r"\s*(<=|>=|[=<>(),]|[#:\w]+)")
_CLAUSE = re.compile(r"(SET|REMOVE)\s+(.*?)(?=\s+(?:SET|REMOVE)\s|$)")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def holds(request: Mapping[str, Any], item: Item, expression: str = "ConditionExpression") -> bool:
    """Whether an item fulfils a request's condition; without one, it does."""
    text = request.get(expression)
    if text is None:
        return True
    condition = _condition(_named(text, request))
    return condition(item, request.get("ExpressionAttributeValues", {}))


def updated(request: Mapping[str, Any], item: Item) -> Item:
    """The item after a request's ``UpdateExpression`` of ``SET name = :value`` and ``REMOVE``."""
    values, changed = request.get("ExpressionAttributeValues", {}), dict(item)
    for clause, parts in _CLAUSE.findall(_named(request["UpdateExpression"], request)):
        for part in parts.split(","):
            name, _, value = part.replace(" ", "").partition("=")
            if clause == "SET":
                changed[name] = values[value]
            else:
                changed.pop(name, None)
    return changed


def _named(text: str, request: Mapping[str, Any]) -> str:
    """The expression with the attributes' own names."""
    names = request.get("ExpressionAttributeNames", {})
    return re.sub(r"#\w+", lambda found: str(names[found[0]]), text)


@cache
def _condition(text: str) -> Condition:
    tokens = _TOKEN.findall(text)
    condition = _any_of(tokens)
    if tokens:
        raise ValueError(f"no condition of ours: {text}")
    return condition


def _any_of(tokens: list[str]) -> Condition:
    one = _all_of(tokens)
    while tokens and tokens[0] == "OR":
        del tokens[0]
        one = _either(one, _all_of(tokens))
    return one


def _all_of(tokens: list[str]) -> Condition:
    one = _single(tokens)
    while tokens and tokens[0] == "AND":
        del tokens[0]
        one = _both(one, _single(tokens))
    return one


def _single(tokens: list[str]) -> Condition:
    first = tokens.pop(0)
    if first == "(":
        inner = _any_of(tokens)
        _skip(tokens, ")")
        return inner
    if first in ("attribute_not_exists", "begins_with"):
        _skip(tokens, "(")
        name = tokens.pop(0)
        if first == "attribute_not_exists":
            _skip(tokens, ")")
            return lambda item, _: name not in item
        _skip(tokens, ",")
        prefix = tokens.pop(0)
        _skip(tokens, ")")
        return lambda item, values: _plain(item.get(name), "").startswith(_plain(values[prefix]))
    compare, value = _COMPARISONS[tokens.pop(0)], tokens.pop(0)
    return lambda item, values: (
        first in item and compare(_plain(item[first]), _plain(values[value]))
    )


def _either(one: Condition, other: Condition) -> Condition:
    return lambda item, values: one(item, values) or other(item, values)


def _both(one: Condition, other: Condition) -> Condition:
    return lambda item, values: one(item, values) and other(item, values)


def _skip(tokens: list[str], expected: str) -> None:
    if tokens.pop(0) != expected:
        raise ValueError(f"{expected} is missing")


def _plain(value: Value | None, otherwise: Any = None) -> Any:
    """What can be compared: a text, or a number."""
    if value is None:
        return otherwise
    ((kind, plain),) = value.items()
    return Decimal(plain) if kind == "N" else plain
