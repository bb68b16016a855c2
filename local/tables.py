"""moto's tables, made safe to use from many threads at a time, and fit for large transactions.

DynamoDB checks a condition and writes in one step. moto looks and then writes, with nothing to
hold others back meanwhile: of two workers that each put an item only if it is not there, both can
succeed.

And to be able to undo a transaction, moto copies the whole table, once for each of its actions: a
hundred actions on a table of a thousand items take half a minute.
"""

import copy
import pkgutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from local.seams import Seam

TRANSACTION = Seam(
    "moto.dynamodb.models:DynamoDBBackend", "transact_write_items", ("self", "transact_items")
)
CALL = Seam("moto.dynamodb.responses:DynamoHandler", "call_action", ("self",))


@contextmanager
def one_call_at_a_time() -> Iterator[None]:
    """While the block runs, DynamoDB answers one call after another."""
    one_at_a_time = threading.Lock()

    def answering(original: Any) -> Any:
        def call_action(self: Any) -> Any:
            with one_at_a_time:
                return original(self)

        return call_action

    with CALL.replaced(answering):
        yield


@contextmanager
def transactions_that_copy_what_they_touch() -> Iterator[None]:
    """While the block runs, a transaction copies the items that it may have to put back.

    For one call at a time.
    """
    table = pkgutil.resolve_name("moto.dynamodb.models.table:Table")

    def transacting(original: Any) -> Any:
        def transact_write_items(self: Any, transact_items: Sequence[Any]) -> Any:
            before = [_item(self, action) for part in transact_items for action in part.values()]
            # The copies of tables that moto would put back become the tables themselves.
            table.__deepcopy__ = lambda self, _memo: self
            try:
                return original(self, transact_items)
            except Exception:
                for items, key, item in before:
                    if item is None:
                        items.pop(key, None)
                    else:
                        items[key] = item
                raise
            finally:
                del table.__deepcopy__

        return transact_write_items

    with TRANSACTION.replaced(transacting):
        yield


def _item(backend: Any, action: Any) -> tuple[Any, Any, Any]:
    """Where the item of an action is, its key there, and a copy of it, None if there is none."""
    table = backend.tables.get(action["TableName"])
    if table is None:
        return {}, None, None
    hash_key, range_key = backend.get_keys_value(table, action.get("Key") or action["Item"])
    items, key = (
        (table.items, hash_key) if range_key is None else (table.items[hash_key], range_key)
    )
    return items, key, copy.deepcopy(items.get(key))
