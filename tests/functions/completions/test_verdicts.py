"""One model is the schema that the model answers by, and the reader of its answers."""

import json
from typing import Any

import pytest
from openai import BadRequestError, OpenAI
from pydantic import ValidationError

from functions.completions.verdicts import Verdicts, answer_format
from functions.completions.vocabulary import CoreLabel
from local.standins.openai import OpenAIStandIn
from tests.functions.conftest import API_KEY

GOOD: dict[str, Any] = {"id": "a", "is_valid": False, "correct_label": "DATE"}


def without_required(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "required"}


def test_openai_takes_the_schema_as_a_strict_one(standin: OpenAIStandIn) -> None:
    client = OpenAI(base_url=standin.base_url, api_key=API_KEY, max_retries=0)
    strict: Any = answer_format()

    answer = client.responses.create(model="gpt-test", input="{}", text={"format": strict})

    Verdicts.model_validate_json(answer.output_text)
    loose = strict | {"schema": without_required(strict["schema"])}
    with pytest.raises(BadRequestError, match="required"):
        client.responses.create(model="gpt-test", input="{}", text={"format": loose})


def test_a_verdict_is_read() -> None:
    [verdict] = Verdicts.model_validate_json(json.dumps({"results": [GOOD]})).results

    assert (verdict.is_valid, verdict.correct_label) == (False, CoreLabel.DATE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"is_valid": "false"},
        {"is_valid": 0},
        {"id": 7},
        {"correct_label": "SHOE_SIZE"},
        {"correct_label": ""},
        {"why": "because"},
    ],
)
def test_a_verdict_is_read_strictly(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Verdicts.model_validate_json(json.dumps({"results": [GOOD | wrong]}))


@pytest.mark.parametrize("name", GOOD)
def test_a_verdict_has_all_its_parts(name: str) -> None:
    part = {key: value for key, value in GOOD.items() if key != name}

    with pytest.raises(ValidationError):
        Verdicts.model_validate_json(json.dumps({"results": [part]}))
