"""The one way out: every call to another system is made here, under its name.

Whoever wants to know what this package does to the world, or what becomes of it when a call goes
wrong, finds all of it in one place. A name is the service and the operation as its SDK has it,
such as ``dynamodb.put_item`` or ``openai.files.create``.
"""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def call(name: str, request: Callable[[], T]) -> T:  # noqa: ARG001 - for whoever stands in between
    """Make a call; its answer, or the SDK's own error, which the edge translates."""
    return request()
