"""A label table for tests."""

from typing import Any

_KEYS = ("PK", "SK", *(f"GSI{n}{part}" for n in (1, 2, 3) for part in ("PK", "SK")))


def create_label_table(dynamodb: Any, name: str) -> None:
    """An empty table with the three indexes, as the program makes it."""
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in _KEYS],
        KeySchema=_schema("PK", "SK"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": f"GSI{n}",
                "KeySchema": _schema(f"GSI{n}PK", f"GSI{n}SK"),
                "Projection": {"ProjectionType": "ALL"},
            }
            for n in (1, 2, 3)
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
