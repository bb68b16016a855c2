"""moto's tables, made safe to use from many threads at a time.

DynamoDB checks a condition and writes in one step. moto looks and then writes, with nothing to
hold others back meanwhile: of two workers that each put an item only if it is not there, both can
succeed.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.seams import Seam

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
