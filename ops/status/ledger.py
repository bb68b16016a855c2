"""Requests under way: what the ledger says of documents that are not handed over yet.

The ledger has no index, and reading it whole would cost more the longer it is kept. So this is a
look at no more than so many of its items, and the answer says of how many.
"""

import time
from collections.abc import Iterator
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from functions.clients import aws
from functions.clients.dynamodb import Item
from functions.ingest.ledger import HANDED_OVER, WORKING
from ops.parts import Part

_ITEMS_A_PAGE = 1_000
# Nothing but what is shown: a page of DynamoDB ends at 1 MB of items.
_NAMES = ("status", "url", "leaseUntil", "failure", "batch", "fileFailure")


class RequestPart(Part):
    """A request that was not handed over yet."""

    url: str
    in_hand: bool
    """A worker has it; else it waits for its next delivery, or its message is a dead letter."""
    failure: str
    """Why the last try failed; empty if none has."""


class LedgerPart(Part):
    """What a look at the ledger found."""

    looked_at: int
    """Items."""
    whole: bool
    """Whether these were all."""
    under_way: list[RequestPart]
    failed_files: list[str]
    """URL and reason of documents that their file batch could not index."""


def look_at_ledger(dynamodb: Any, table: str, *, most: int) -> LedgerPart:
    """Read up to ``most`` items, as DynamoDB happens to have them. AwsUnavailableError."""
    items, whole = _items(dynamodb, table, most)
    now = time.time()
    return LedgerPart(
        looked_at=len(items),
        whole=whole,
        under_way=[
            RequestPart(
                url=str(item.get("url", "")),
                in_hand=int(item.get("leaseUntil", 0)) > now,
                failure=str(item.get("failure", "")),
            )
            for item in items
            if item.get("status") == WORKING
        ],
        failed_files=list(_failed_files(items)),
    )


def _items(dynamodb: Any, table: str, most: int) -> tuple[list[Item], bool]:
    plain = TypeDeserializer().deserialize
    arguments: dict[str, Any] = {
        "TableName": table,
        "ProjectionExpression": ", ".join(f"#{name}" for name in _NAMES),
        "ExpressionAttributeNames": {f"#{name}": name for name in _NAMES},
    }
    items: list[Item] = []
    while len(items) < most:
        with aws.translated():
            page = dynamodb.scan(**arguments, Limit=min(_ITEMS_A_PAGE, most - len(items)))
        items += [{name: plain(value) for name, value in i.items()} for i in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return items, True
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    return items, False


def _failed_files(items: list[Item]) -> Iterator[str]:
    for item in items:
        failure = item.get("fileFailure")
        # One of an earlier batch says nothing of the document as it is now.
        if item.get("status") == HANDED_OVER and failure and _is_newest(item, failure):
            yield f"{item.get('url')}: {failure['code']}: {failure['message']}"


def _is_newest(item: Item, failure: Item) -> bool:
    return bool(item.get("batch", {}).get("batch_id") == failure["batchId"])
