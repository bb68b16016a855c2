"""How large DynamoDB takes an item to be, and so how many units a call of it costs.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import base64
import math
from collections.abc import Iterable, Mapping
from typing import Any

_WRITE_BYTES, _READ_BYTES = 1024, 4096

WireItem = Mapping[str, Any]
"""An item as it is sent: ``{"pk": {"S": "…"}}``."""


def write_units(sizes: Iterable[int], *, in_transaction: bool = False) -> int:
    """Of one item that was and is of these sizes: the larger one counts, and a try that failed."""
    units = max(1, math.ceil(max(sizes, default=0) / _WRITE_BYTES))
    return 2 * units if in_transaction else units


def read_units(size: int, *, consistent: bool) -> float:
    """Of so many bytes, at least one unit's; what is not read consistently costs half."""
    units = max(1, math.ceil(size / _READ_BYTES))
    return units if consistent else units / 2


def item_size(item: WireItem) -> int:
    """Bytes; 0 of no item."""
    return sum(_bytes(name) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    [(kind, held)] = value.items()
    match kind:
        case "S":
            size = _bytes(held)
        case "N":
            digits = sum(character.isdigit() for character in held)
            size = math.ceil(digits / 2) + 1
        case "B":
            size = len(base64.b64decode(held))
        case "L":
            size = 3 + sum(1 + _value_size(each) for each in held)
        case "M":
            size = 3 + sum(1 + _bytes(name) + _value_size(each) for name, each in held.items())
        case "BOOL" | "NULL":
            size = 1
        case _:
            raise ValueError(f"no item here has a value of type {kind}")
    return size


def _bytes(text: str) -> int:
    return len(text.encode())
