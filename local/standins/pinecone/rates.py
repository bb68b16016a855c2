"""How many updates a namespace takes: https://docs.pinecone.io/reference/api/database-limits"""

import time
from collections import deque
from threading import Lock

from local.standins.pinecone.errors import PineconeError

DOCUMENTED_UPDATE_RATE = 100
"""Updates a second of one namespace."""


class UpdateRate:
    """Counts the updates of each namespace within the last second.

    ``limit`` None counts nothing. What is refused is not counted.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self._lock = Lock()
        self._taken: dict[str, deque[float]] = {}

    def take(self, namespace: str) -> None:
        """Count an update; a 429 if it is one too many."""
        if (limit := self.limit) is None:
            return
        now = time.monotonic()
        with self._lock:
            taken = self._taken.setdefault(namespace, deque())
            while taken and taken[0] <= now - 1:
                taken.popleft()
            if len(taken) >= limit:
                raise PineconeError(
                    429,
                    "Too many requests: you've exceeded the limit of "
                    f"{limit} update requests per second for namespace '{namespace}'.",
                )
            taken.append(now)
