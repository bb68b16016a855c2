"""How many prompt tokens are under way, and how many OpenAI takes: one item of the label table.

The tokens are added in the transaction that makes a batch's summary, and taken off in the one that
ends it, so that they are never anything but the sum over the batches that are under way.
"""

import re
from dataclasses import dataclass
from typing import Self

from boto3.dynamodb.conditions import Attr, ConditionBase
from pydantic import Field

from functions.clients.dynamodb import Item, Table, Update
from functions.completions.entities import Entity

_KEY = {"PK": "CAPACITY", "SK": "PROMPT_TOKENS"}
# As OpenAI words it: "… Limit: 90,000 enqueued tokens. …"
_LIMIT = re.compile(r"Limit:\s*([\d,]*\d)\s*enqueued tokens", re.IGNORECASE)
_MOST = 10**15
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


class _Standing(Entity):
    """The item."""

    tokens: int = Field(default=0, ge=-_MOST, le=_MOST)
    openai_limit: int | None = Field(default=None, ge=0, le=_MOST)
    limit_seen_at: int = Field(default=0, ge=0, le=_MOST)

    @classmethod
    def from_item(cls, item: Item) -> Self:
        """As it is in the table; InvalidItemError."""
        return cls._of(item)


def read(table: Table, now: float) -> Capacity:
    """How it stands at ``now``, in Unix seconds. InvalidItemError."""
    standing = _Standing.from_item(table.get(_KEY) or {})
    holds = now - standing.limit_seen_at < _LIMIT_HOLDS_SECONDS
    return Capacity(tokens=standing.tokens, openai_limit=standing.openai_limit if holds else None)


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
    digits = match[1].replace(",", "")
    if len(digits) > len(str(_MOST)) - 1:  # no limit at all, and no number for a table
        return None
    limit = int(digits)
    table.update(_KEY, {"openai_limit": limit, "limit_seen_at": int(now)})
    return limit
