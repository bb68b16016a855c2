"""Leases: items of the label table that give a kind of work to one worker at a time.

A lease that nobody gives back ends by itself, and must not end before its worker does.
"""

import math
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from boto3.dynamodb.conditions import Attr

from functions.clients.dynamodb import Table
from functions.errors import FlowError, LeaseHeldError
from functions.observability import describe, logger


@contextmanager
def lease(table: Table, name: str, *, until: float, clock: Callable[[], float]) -> Iterator[None]:
    """Hold the lease ``name`` inside the block, at most ``until`` (Unix seconds, as ``clock``).

    LeaseHeldError if another worker holds it.
    """
    key, owner = {"PK": "LEASE", "SK": name}, uuid.uuid4().hex
    # A put whose answer was lost is sent again by botocore, and then meets itself.
    mine = Attr("owner").eq(owner)
    free = Attr("PK").not_exists() | Attr("until").lte(int(clock())) | mine
    if not table.put({**key, "owner": owner, "until": math.ceil(until)}, when=free):
        raise LeaseHeldError(f"the lease {name} is in another worker's hands")
    try:
        yield
    finally:
        try:
            table.delete(key, when=mine)
        except FlowError as error:
            # What was done under it is done, and what went wrong under it says more than this.
            logger().error("a lease was not given back", extra={"lease": name, **describe(error)})
