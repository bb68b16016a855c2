"""The OpenAI stand-in's responses: prose, JSON, and what it is told to say."""

import json
from typing import Any

import pytest
from openai import BadRequestError, OpenAI
from openai.types.responses import ResponseOutputMessage
from pydantic import BaseModel, ValidationError

from local.standins.openai import AnswerPlan, OpenAIStandIn


class Fact(BaseModel):
    claim: str


def test_prose_is_a_markdown_article_made_of_the_input(openai_client: OpenAI) -> None:
    response = openai_client.responses.create(
        model="gpt-test",
        instructions="Write Markdown.",
        input="Acme makes anvils. It is in Ohio. R&D is large! Who knows more?",
        metadata={"a": "b"},
    )
    assert response.output_text == (
        "# Acme makes anvils\n\nAcme makes anvils. It is in Ohio.\n\n"
        "## Key points\n\n- R&D is large!\n- Who knows more?\n"
    )
    assert (response.object, response.status, response.model) == (
        "response",
        "completed",
        "gpt-test",
    )
    assert (response.instructions, response.metadata) == ("Write Markdown.", {"a": "b"})
    assert response.usage is not None
    assert response.usage.output_tokens == -(-len(response.output_text) // 4)
    assert response.usage.total_tokens == (
        response.usage.input_tokens + response.usage.output_tokens
    )


def test_an_input_that_is_json_is_material_by_what_its_texts_say(openai_client: OpenAI) -> None:
    response = openai_client.responses.create(
        model="m", input='{"type": "news", "fallback": "Acme makes anvils. It is in Ohio."}'
    )
    assert response.output_text == (
        "# Acme makes anvils\n\nAcme makes anvils.\n\n## Key points\n\n- It is in Ohio.\n"
    )


def test_only_what_the_user_said_is_material(openai_client: OpenAI) -> None:
    response = openai_client.responses.create(
        model="m",
        input=[
            {"role": "developer", "content": "Never say this."},
            {"role": "user", "content": [{"type": "input_text", "text": "First thing."}]},
            {"role": "user", "content": "Second thing."},
        ],
    )
    assert "First thing." in response.output_text
    assert "Second thing." in response.output_text
    assert "Never say this" not in response.output_text


@pytest.mark.parametrize(
    ("shape", "start", "end"),
    [
        ("fenced", "```markdown\n# A fact", "\n```"),
        ("preamble", "Here is the summary:\n\n# A fact", "- A fact to tell.\n"),
        ("empty", "", ""),
    ],
)
def test_an_answer_can_be_bent(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, shape: Any, start: str, end: str
) -> None:
    openai_standin.answers.add(AnswerPlan(shape=shape, times=1))
    text, usual = (
        openai_client.responses.create(model="m", input="A fact to tell.").output_text
        for _ in range(2)
    )
    assert text.startswith(start)
    assert text.endswith(end)
    assert (text == "") == (shape == "empty")
    assert usual.startswith("# A fact")


def test_an_answer_can_be_a_refusal(openai_standin: OpenAIStandIn, openai_client: OpenAI) -> None:
    openai_standin.answers.add(
        AnswerPlan(shape="refusal", when=lambda body: "bomb" in body["input"])
    )
    response = openai_client.responses.create(model="m", input="A bomb.")
    message = response.output[0]
    assert isinstance(message, ResponseOutputMessage)
    assert [part.type for part in message.content] == ["refusal"]
    assert (response.status, response.output_text) == ("completed", "")
    assert openai_client.responses.create(model="m", input="A cake.").output_text


def test_an_answer_can_be_incomplete(openai_standin: OpenAIStandIn, openai_client: OpenAI) -> None:
    whole = openai_client.responses.create(model="m", input="One two three. " * 20).output_text
    openai_standin.answers.add(AnswerPlan(shape="incomplete", times=1))
    told = openai_client.responses.create(model="m", input="One two three. " * 20)
    short = openai_client.responses.create(
        model="m", input="One two three. " * 20, max_output_tokens=16
    )
    for response, text in ((told, whole[: len(whole) // 2]), (short, whole[:64])):
        assert (response.status, response.output_text) == ("incomplete", text)
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "max_output_tokens"


def test_an_answer_can_be_dictated_or_made_from_the_request(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.answers.add(AnswerPlan(text='{"no": "such field"}', times=1))
    openai_standin.answers.add(AnswerPlan(text=lambda body: body["input"].upper()))
    create = openai_client.responses.create
    assert create(model="m", input="loud").output_text == '{"no": "such field"}'
    assert create(model="m", input="loud").output_text == "LOUD"


@pytest.mark.parametrize("shape", ["fenced", "preamble", "empty", "incomplete"])
def test_structured_output_can_be_bent_out_of_its_model(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, shape: Any
) -> None:
    openai_standin.answers.add(AnswerPlan(shape=shape))
    with pytest.raises(ValidationError):
        openai_client.responses.parse(model="m", input="A fact.", text_format=Fact)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "object", "properties": {}}, "additionalProperties"),
        (
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"a": {"type": "string"}},
                "required": [],
            },
            "'required'",
        ),
        (
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}},
                "required": ["a"],
            },
            "'properties', 'a'",
        ),
        (
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"a": {"type": "string", "default": "x"}},
                "required": ["a"],
            },
            "'default'",
        ),
    ],
)
def test_strict_refuses_a_loose_schema(openai_client: OpenAI, schema: Any, problem: str) -> None:
    def ask(*, strict: bool) -> str:
        text: Any = {
            "format": {"type": "json_schema", "name": "n", "strict": strict, "schema": schema}
        }
        return openai_client.responses.create(model="m", input="A fact.", text=text).output_text

    with pytest.raises(BadRequestError, match=problem) as caught:
        ask(strict=True)
    assert caught.value.param == "text.format.schema"
    assert isinstance(json.loads(ask(strict=False)), dict)


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "file_search"}]}, "tools[0].vector_store_ids"),
        ({"tools": [{"type": "file_search", "vector_store_ids": []}]}, "tools[0].vector_store_ids"),
        (
            {
                "tools": [
                    {"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 51}
                ]
            },
            "tools[0].max_num_results",
        ),
        ({"include": ["everything"]}, "include"),
        ({"background": True}, "background"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"max_output_tokens": 1}, "max_output_tokens"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "json_object"}}}, "text.format.type"),
        ({"temperature": "hot"}, "temperature"),
        ({"extra_body": {"reponse_format": {}}}, "reponse_format"),
    ],
)
def test_what_it_does_not_do_is_refused(
    openai_client: OpenAI, arguments: dict[str, Any], param: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        openai_client.responses.create(model="m", input="A fact.", **arguments)
    assert caught.value.param == param


@pytest.mark.parametrize("missing", ["model", "input"])
def test_a_model_and_an_input_are_needed(openai_client: OpenAI, missing: str) -> None:
    arguments: dict[str, Any] = {"model": "m", "input": "A fact."}
    del arguments[missing]
    with pytest.raises(BadRequestError, match=f"Missing required parameter: '{missing}'"):
        openai_client.responses.create(**arguments)
