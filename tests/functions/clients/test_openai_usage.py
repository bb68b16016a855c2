"""What answers used is counted, whether they are of use or not."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.clients.openai import OpenAIService
from functions.clients.openai_usage import count_usage
from functions.errors import UnusableAnswerError
from functions.market_analysis.research import MarketAnalysis
from functions.observability import forget_metrics, metrics_of
from local.standins.openai import AnswerPlan, OpenAIStandIn

MODEL = "gpt-5.4-mini"


def counted() -> dict[str, list[float]]:
    return {name: list(metric["Value"]) for name, metric in metrics_of(MODEL).metric_set.items()}


def test_a_text_is_counted_with_what_it_cost(openai_service: OpenAIService) -> None:
    openai_service.write(model=MODEL, instructions="Write.", material="Pumps.")

    found = counted()
    [read], [written], [usd] = found["InputTokens"], found["OutputTokens"], found["CostUsd"]
    assert read > 0 < written
    assert usd == pytest.approx((read * 0.75 + written * 4.5) / 1_000_000)


def test_an_analysis_is_counted(openai_service: OpenAIService) -> None:
    openai_service.research(
        MarketAnalysis, model=MODEL, instructions="", material="{}", vector_store_id=None
    )

    assert counted()["OutputTokens"][0] > 0


def test_an_answer_that_is_of_no_use_is_counted_too(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    standin.answers.add(AnswerPlan(shape="refusal"))
    with pytest.raises(UnusableAnswerError):
        openai_service.write(model=MODEL, instructions="Write.", material="Pumps.")

    assert counted()["InputTokens"][0] > 0


@given(st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans()))
def test_whatever_a_server_says_it_used_does_an_answer_no_harm(said: Any) -> None:
    forget_metrics()
    usage = SimpleNamespace(input_tokens=said, output_tokens=7, input_tokens_details=said)

    count_usage(MODEL, SimpleNamespace(usage=usage))
    count_usage(MODEL, SimpleNamespace(usage=said))

    [read] = counted()["InputTokens"]
    assert read == (said if type(said) is int and 0 <= said <= 10**12 else 0)
    assert counted()["OutputTokens"] == [7]
