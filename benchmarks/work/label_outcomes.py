"""What has become of labels and words, in the table and in Pinecone, and whether it is the same."""

from collections.abc import Mapping
from typing import Any

import boto3

from local.standins.pinecone import PineconeStandIn

State = dict[tuple[str, str], tuple[Any, ...]]

_TOLD = (
    *("validation_status", "label_proposed_by", "label_consolidated_from"),
    *("outcome", "original_label", "gpt_suggested_label", "is_valid"),
)


def state(table: str) -> State:
    """What matters of each label, its status first, and of each record, by the item's key."""
    client: Any = boto3.resource("dynamodb").meta.client
    pages = client.get_paginator("scan").paginate(TableName=table)
    items = [item for page in pages for item in page["Items"] if item["SK"] != "STATUS"]
    return {(item["PK"], item["SK"]): tuple(map(item.get, _TOLD)) for item in items}


def shown(pinecone: PineconeStandIn, namespace: str) -> dict[str, Mapping[str, Any]]:
    """The metadata of each vector."""
    return {id_: vector.metadata for id_, vector in pinecone.vectors(namespace).items()}


def updates(pinecone: PineconeStandIn, namespace: str) -> tuple[float, int]:
    """So many updates a second Pinecone took, and so many in all it refused."""
    calls = [
        call
        for call in pinecone.calls
        if call.operation == "update" and call.body["namespace"] == namespace
    ]
    taken = [call.started for call in calls if call.status == 200]
    return (len(taken) - 1) / (max(taken) - min(taken)), len(calls) - len(taken)


def same(one: Mapping[Any, Any], other: Mapping[Any, Any], what: str) -> None:
    """RuntimeError if two sides differ in anything."""
    differ = [key for key in {*one, *other} if one.get(key) != other.get(key)]
    if differ:
        key = min(differ)
        told = f"{one.get(key)} and {other.get(key)}"
        raise RuntimeError(f"{len(differ)} {what} differ, such as {key}: {told}")
