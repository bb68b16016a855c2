"""Many items of a table at once, by their keys."""

import time
from collections.abc import Iterable
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from functions.clients import aws
from functions.clients.dynamodb import Item
from functions.errors import AwsUnavailableError

ItemKey = tuple[str, str]
"""The partition's and the sort key."""

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_KEYS_A_CALL = 100
# What a call leaves out, because it was too much or too fast, is asked for again after these.
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


def read_items(
    dynamodb: Any,
    table: str,
    keys: Iterable[ItemKey],
    *,
    names: tuple[str, str] = ("pk", "sk"),
) -> dict[ItemKey, Item]:
    """The items that are there, read consistently; ``names`` are those of the key's attributes.

    AwsUnavailableError, AwsRejectedError.
    """
    wanted = [
        {name: {"S": part} for name, part in zip(names, key, strict=True)}
        for key in dict.fromkeys(keys)
    ]
    found: dict[ItemKey, Item] = {}
    for start in range(0, len(wanted), _KEYS_A_CALL):
        for item in _read(dynamodb, table, wanted[start : start + _KEYS_A_CALL]):
            found[item[names[0]], item[names[1]]] = item
    return found


def _read(dynamodb: Any, table: str, keys: list[dict[str, Any]]) -> Iterable[Item]:
    plain = TypeDeserializer().deserialize
    wanted = {table: {"Keys": keys, "ConsistentRead": True}}
    for pause in (*_PAUSES, None):
        with aws.translated():
            answer = dynamodb.batch_get_item(RequestItems=wanted)
        for item in answer["Responses"].get(table, []):
            yield {name: plain(value) for name, value in item.items()}
        wanted = answer.get("UnprocessedKeys") or {}
        if not wanted:
            return
        if pause is not None:
            time.sleep(pause)
    raise AwsUnavailableError(f"{table} does not answer for all of the items that were asked for")
