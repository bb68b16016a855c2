"""Prices with their dates, and what tokens cost by them."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from functions.costs import TokenUsage, cost_usd, dollars
from functions.prices import (
    FILE_SEARCH_CALL,
    MODEL_PRICES,
    VECTOR_STORE_GB_DAY,
    ModelPrice,
    UnitPrice,
    model_price,
)
from ops import aws_prices

ROOT = Path(__file__).parents[2]
MILLION = 10**6
UNIT_PRICES = [
    FILE_SEARCH_CALL,
    VECTOR_STORE_GB_DAY,
    *(price for price in vars(aws_prices).values() if isinstance(price, UnitPrice)),
]
# A vendor's own page, or the page of somebody who repeats it where that one was not to be had.
SOURCES = (
    "developers.openai.com",
    "aws.amazon.com",
    "cloudburn.io",
    "leanopstech.com",
)
models = st.sampled_from(sorted(MODEL_PRICES))
numbers = st.integers(0, 10**12)
usages = st.builds(
    lambda read, cached, written: TokenUsage(
        input_tokens=read + cached, cached_tokens=cached, output_tokens=written
    ),
    numbers,
    numbers,
    numbers,
)


def cost(usage: TokenUsage, model: str = "gpt-5.4-mini", *, batch: bool = True) -> Decimal:
    found = cost_usd(model, usage, batch=batch)
    assert isinstance(found, Decimal)
    return found


@pytest.mark.parametrize("price", [*MODEL_PRICES.values(), *UNIT_PRICES], ids=repr)
def test_a_price_is_exact_and_says_when_and_where_it_was_read(
    price: ModelPrice | UnitPrice,
) -> None:
    assert price.as_of <= datetime.now(UTC).date()
    assert urlsplit(price.source).hostname in SOURCES
    paid = (
        [price.usd]
        if isinstance(price, UnitPrice)
        else [price.cached_input, price.input, price.output]
    )
    assert all(type(usd) is Decimal and usd > 0 for usd in paid)
    assert paid == sorted(paid), "cached input costs less than input, and that less than output"


def test_aws_has_a_price_for_each_thing_that_is_measured_or_counted() -> None:
    assert len(UNIT_PRICES) == 2 + 7 + 5


def test_the_models_that_the_stack_uses_unless_told_otherwise_have_prices() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    used = {spec["default"] for key, spec in declared.items() if key.endswith("Model")}
    assert used
    assert all(model_price(model) for model in used)


@pytest.mark.parametrize(
    "model",
    ["", "gpt-9", "gpt-5.4-mini-turbo", "GPT-5.4-MINI", "gpt-5.4-2026-03-17-mini", "gpt-5"],
)
def test_a_model_that_nobody_has_a_price_of_has_no_cost(model: str) -> None:
    assert model_price(model) is None
    assert cost_usd(model, TokenUsage(input_tokens=0, output_tokens=0), batch=True) is None


def test_a_model_by_its_day_costs_what_its_name_does() -> None:
    assert model_price("gpt-5.4-mini-2026-03-17") is MODEL_PRICES["gpt-5.4-mini"]


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"input_tokens": MILLION, "output_tokens": 0}, "0.75"),
        ({"input_tokens": 0, "output_tokens": MILLION}, "4.50"),
        ({"input_tokens": MILLION, "output_tokens": 0, "cached_tokens": MILLION}, "0.075"),
        ({"input_tokens": 4, "output_tokens": 1, "cached_tokens": 2}, "0.00000615"),
        # No more can have been cached than was read.
        ({"input_tokens": 1, "output_tokens": 0, "cached_tokens": 9}, "0.000000075"),
    ],
)
def test_tokens_cost_what_the_table_says_and_half_of_it_in_a_batch(
    usage: dict[str, int], usd: str
) -> None:
    assert cost(TokenUsage(**usage), batch=False) == Decimal(usd)
    assert cost(TokenUsage(**usage), batch=True) == Decimal(usd) / 2


@given(one=usages, other=usages, model=models, batch=st.booleans())
def test_the_parts_cost_what_the_whole_does(
    one: TokenUsage, other: TokenUsage, model: str, batch: bool
) -> None:
    parts = cost(one, model, batch=batch) + cost(other, model, batch=batch)
    assert cost(one + other, model, batch=batch) == parts


@given(usage=usages, more=usages, model=models)
def test_more_tokens_never_cost_less(usage: TokenUsage, more: TokenUsage, model: str) -> None:
    assert cost(usage + more, model) >= cost(usage, model) >= 0


@given(usage=usages, model=models)
def test_what_is_cached_never_costs_more(usage: TokenUsage, model: str) -> None:
    fresh = TokenUsage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    assert cost(usage, model) <= cost(fresh, model)


@given(usd=st.decimals(0, 10**9, places=9, allow_nan=False))
def test_an_amount_as_text_is_the_amount(usd: Decimal) -> None:
    text = dollars(usd)
    assert Decimal(text) == usd
    assert set(text) <= set("0123456789.")
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("usd", "text"),
    [("1E+3", "1000"), ("100", "100"), ("0.50", "0.5"), ("0", "0"), ("1E-7", "0.0000001")],
)
def test_an_amount_has_no_exponent(usd: str, text: str) -> None:
    assert dollars(Decimal(usd)) == text
