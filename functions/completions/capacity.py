"""How many prompt tokens are under way, and how many OpenAI takes: one item of the label table.

The tokens are added in the transaction that makes a batch's summary, and taken off in the one that
ends it, so that they are never anything but the sum over the batches that are under way.
"""

import re
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from functions.clients.dynamodb import Table, Update

_KEY = {"PK": "CAPACITY", "SK": "PROMPT_TOKENS"}
# As OpenAI words it: "… Limit: 90,000 enqueued tokens. …"
_LIMIT = re.compile(r"Limit:\s*([\d,]*\d)\s*enqueued tokens", re.IGNORECASE)
# A limit that was met yesterday may have been raised since.
_LIMIT_HOLDS_SECONDS = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Prompt tokens under way, and the limit that OpenAI has named within the last day."""

    tokens: int
    openai_limit: int | None

    def limit(self, max_enqueued: int | None) -> int | None:
        """How many may be under way; None for any number."""
        limits = [limit for limit in (max_enqueued, self.openai_limit) if limit is not None]
        return min(limits, default=None)

    def room(self, max_enqueued: int | None) -> int | None:
        """How many more may be sent; None for any number."""
        limit = self.limit(max_enqueued)
        return None if limit is None else max(0, limit - self.tokens)


def read(table: Table, now: float) -> Capacity:
    """How it stands at ``now``, in Unix seconds."""
    item: dict[str, Any] = table.get(_KEY) or {}
    holds = now - int(item.get("limit_seen_at", 0)) < _LIMIT_HOLDS_SECONDS
    return Capacity(
        tokens=int(item.get("tokens", 0)),
        openai_limit=int(item["openai_limit"]) if "openai_limit" in item and holds else None,
    )


def taking(tokens: int, limit: int | None) -> Update:
    """Take ``tokens``, if with them no more than ``limit`` are under way."""
    free: ConditionBase | None = None
    if limit is not None:
        free = Attr("tokens").lte(limit - tokens)
        if tokens <= limit:
            # Where nothing was ever under way there is no item.
            free = free | Attr("tokens").not_exists()
    return Update(key=_KEY, add={"tokens": tokens}, when=free)


def giving_back(tokens: int) -> Update:
    """Give back what a batch that has ended took."""
    return Update(key=_KEY, add={"tokens": -tokens})


def learn_limit(table: Table, message: str, now: float) -> int | None:
    """Remember the limit that a ``token_limit_exceeded`` names; None if it names none."""
    match = _LIMIT.search(message)
    if match is None:
        return None
    limit = int(match[1].replace(",", ""))
    table.update(_KEY, {"openai_limit": limit, "limit_seen_at": int(now)})
    return limit
