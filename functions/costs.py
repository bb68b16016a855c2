"""What tokens cost. Exact: the sum over parts is the cost of the whole."""

from dataclasses import dataclass
from decimal import Decimal

from functions.prices import BATCH_FACTOR, model_price

_PER = Decimal(1_000_000)


@dataclass(frozen=True, kw_only=True)
class TokenUsage:
    """Tokens that a model has read and written; none of the numbers is negative."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    """Of the input; no more of them count than there is input."""

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )


def cost_usd(model: str, usage: TokenUsage, *, batch: bool) -> Decimal | None:
    """What the tokens cost, by the Batch API or else at once; None if no price is known."""
    price = model_price(model)
    if price is None:
        return None
    cached = min(usage.cached_tokens, usage.input_tokens)
    full = (
        (usage.input_tokens - cached) * price.input
        + cached * price.cached_input
        + usage.output_tokens * price.output
    ) / _PER
    return full * BATCH_FACTOR if batch else full


def dollars(usd: Decimal) -> str:
    """An amount as a decimal number, such as ``0.01275``: exact, and without an exponent."""
    text = f"{usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
