"""Values as DynamoDB's API has them, each with its type: ``{"S": "a text"}``.

boto3's resource translates them too, but copies each call whole and then walks it by its shape: of
a function that writes thousands of items, that was a quarter of the processor time.
"""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

_SERIALIZER: Any = TypeSerializer()
_DESERIALIZER: Any = TypeDeserializer()


def typed(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Plain values by name, as a call takes them; TypeError if DynamoDB has no such value."""
    return {
        # Nearly all are texts, and boto3 asks for four other types first.
        name: {"S": value} if isinstance(value, str) else _SERIALIZER.serialize(value)
        for name, value in values.items()
    }


def plain(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What an answer has; numbers as ``Decimal``."""
    return {
        name: value["S"] if "S" in value else _DESERIALIZER.deserialize(value)
        for name, value in values.items()
    }
