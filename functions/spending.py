"""Counting what models' answers use and cost, by model."""

from functions.costs import TokenUsage, cost_usd
from functions.metrics import Metric
from functions.observability import measure_model


def count_spending(model: str, usage: TokenUsage, *, batch: bool) -> None:
    """Count tokens and, where the model's price is known, USD; ``batch`` is for the Batch API."""
    usd = cost_usd(model, usage, batch=batch)
    paid: dict[Metric, float] = (
        {Metric.ANSWERS_WITHOUT_PRICE: 1} if usd is None else {Metric.COST_USD: float(usd)}
    )
    tokens = {
        Metric.INPUT_TOKENS: usage.input_tokens,
        Metric.OUTPUT_TOKENS: usage.output_tokens,
    }
    measure_model(model, {**tokens, **paid})
