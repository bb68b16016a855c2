"""moto's tables, made safe to use from many threads at a time, and fit for thousands of items.

DynamoDB checks a condition and writes in one step. moto looks and then writes, with nothing to
hold others back meanwhile: of two workers that each put an item only if it is not there, both can
succeed.

And to be able to undo a transaction, moto copies the whole table, once for each of its actions: a
hundred actions on a table of a thousand items take half a minute. For each query it sorts all the
table's items, comparing its own type of value: a tenth of a second for five thousand of them. And
each value in an answer is compared with all that a value could be: two milliseconds an item. The
text of an update is parsed anew each time, though there are few texts and many updates.
"""

import copy
import inspect
import pkgutil
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from local.seams import Seam

TRANSACTION = Seam(
    "moto.dynamodb.models:DynamoDBBackend", "transact_write_items", ("self", "transact_items")
)
_TABLE = "moto.dynamodb.models.table:Table"
QUERY = Seam(
    _TABLE,
    "query",
    (
        *("self", "hash_key", "range_comparison", "range_objs", "limit", "exclusive_start_key"),
        *("scan_index_forward", "projection_expressions", "index_name", "consistent_read"),
        *("filter_expression", "hash_key_conditions", "range_key_conditions", "filter_kwargs"),
    ),
)
SERIALIZE = Seam(
    "moto.core.serialize:BaseJSONSerializer",
    "_serialize_type_structure",
    ("self", "serialized", "value", "shape", "key"),
)
ITEMS = Seam(_TABLE, "all_items", ("self",))
PARSE = Seam(
    "moto.dynamodb.parsing.expressions:UpdateExpressionParser", "make", ("expression_str",)
)
_MOST_TEXTS = 1_000
_PLAIN = frozenset({"S", "N", "BOOL", "NULL"})
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
def fit_for_many_items() -> Iterator[None]:
    """While the block runs, what a call costs depends on what it reads and writes."""
    with (
        transactions_that_copy_what_they_touch(),
        queries_that_read_their_partition(),
        values_that_are_answered_as_they_are(),
        updates_that_are_parsed_once(),
    ):
        yield


@contextmanager
def updates_that_are_parsed_once() -> Iterator[None]:
    """While the block runs, the tree of an update's text is kept: moto works on copies of it."""
    with PARSE.replaced(lru_cache(_MOST_TEXTS)):
        yield


@contextmanager
def values_that_are_answered_as_they_are() -> Iterator[None]:
    """While the block runs, a value of an item that needs no encoding gets none."""

    def serializing(original: Any) -> Any:
        def serialize(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
            if shape.name == "AttributeValue" and _PLAIN.issuperset(value):
                serialized[key] = value
            else:
                original(self, serialized, value, shape, key)

        return serialize

    with SERIALIZE.replaced(serializing):
        yield


@contextmanager
def queries_that_read_their_partition() -> Iterator[None]:
    """While the block runs, a query of a table looks at one partition, and sorting is quick."""

    def querying(original: Any) -> Any:
        signature = inspect.signature(original)

        def query(self: Any, hash_key: Any, *others: Any, **more: Any) -> Any:
            call = signature.bind(self, hash_key, *others, **more)
            if call.arguments.get("index_name") is None:
                # A shallow copy that has no other partition.
                call.arguments["self"] = part = copy.copy(self)
                part.items = defaultdict(dict)
                if hash_key in self.items:
                    part.items[hash_key] = self.items[hash_key]
            return original(*call.args, **call.kwargs)

        return query

    def listing(_: Any) -> Any:
        def all_items(self: Any) -> list[Any]:
            if not self.range_key_attr:
                return sorted(self.items.values(), key=lambda item: item.hash_key.cast_value)
            partitions = sorted(self.items.items(), key=lambda each: each[0].cast_value)
            return [
                item
                for _, partition in partitions
                for item in sorted(partition.values(), key=lambda item: item.range_key.cast_value)
            ]

        return all_items

    with QUERY.replaced(querying), ITEMS.replaced(listing):
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
