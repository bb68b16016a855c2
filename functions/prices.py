"""What OpenAI takes, in USD: a table with dates, as nothing at OpenAI can be asked for its prices.

A model that is not here has no known price, and never one of zero. The prices are those of the
standard tier, for requests of at most 272,000 prompt tokens, without data residency, which costs a
tenth more. Whoever pays other prices changes the table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

_OPENAI = "https://developers.openai.com/api/docs/pricing"
# A model by its day, such as gpt-5.4-mini-2026-03-17, costs what its name without the day does.
_DAY = re.compile(r"-\d{4}-\d{2}-\d{2}\Z", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ModelPrice:
    """USD for a million tokens of a model, and when and where that was read."""

    input: Decimal
    cached_input: Decimal
    """Of prompt tokens that OpenAI had seen shortly before."""
    output: Decimal
    """What a model thinks before it answers is output too."""
    as_of: date
    source: str = _OPENAI


@dataclass(frozen=True, kw_only=True)
class UnitPrice:
    """USD for one unit of something, and when and where that was read."""

    usd: Decimal
    as_of: date
    source: str


_READ = date(2026, 6, 4)

# Left out: gpt-5.6-sol, whose price was a promotion that may have ended on 2026-11-21, and gpt-6
# and later, which take money for writing their cache, which no usage that is kept here tells of.
MODEL_PRICES: Mapping[str, ModelPrice] = MappingProxyType(
    {
        "gpt-5.4-nano": ModelPrice(
            input=Decimal("0.20"),
            cached_input=Decimal("0.02"),
            output=Decimal("1.25"),
            as_of=_READ,
        ),
        "gpt-5.4-mini": ModelPrice(
            input=Decimal("0.75"),
            cached_input=Decimal("0.075"),
            output=Decimal("4.50"),
            as_of=_READ,
        ),
        "gpt-5.4": ModelPrice(
            input=Decimal("2.50"),
            cached_input=Decimal("0.25"),
            output=Decimal("15.00"),
            as_of=_READ,
        ),
        "gpt-5.5": ModelPrice(
            input=Decimal("5.00"),
            cached_input=Decimal("0.50"),
            output=Decimal("30.00"),
            as_of=_READ,
        ),
    }
)

BATCH_FACTOR = Decimal("0.5")
"""What the Batch API takes of a model's price. https://developers.openai.com/api/docs/guides/batch"""

FILE_SEARCH_CALL = UnitPrice(usd=Decimal("0.0025"), as_of=date(2026, 3, 12), source=_OPENAI)
"""One search of a vector store by a model; what it finds are prompt tokens as well."""

VECTOR_STORE_GB_DAY = UnitPrice(usd=Decimal("0.10"), as_of=date(2026, 3, 12), source=_OPENAI)
"""A gigabyte (2**30 bytes) kept for a day; the first one of an organization is free."""


def model_price(model: str) -> ModelPrice | None:
    """The price of a model; None if none is known."""
    return MODEL_PRICES.get(model) or MODEL_PRICES.get(_DAY.sub("", model))
