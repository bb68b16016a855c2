"""The least that a function here does: an event is checked by pydantic, and boto3 has a client."""

from typing import Any

import boto3
from pydantic import BaseModel


class Event(BaseModel):
    """Messages of a queue."""

    Records: list[dict[str, Any]]


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The messages that failed: of none, none."""
    boto3.client("secretsmanager")
    return {"batchItemFailures": Event(**event).Records}
