"""Whatever the schema, the OpenAI stand-in's answer is valid for it."""

from __future__ import annotations

import enum
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field, create_model

from local.standins.openai.errors import ApiError
from local.standins.openai.prose import Material, sentences
from local.standins.openai.schemas import Filler
from local.standins.openai.strict import refuse_loose

PROMPT = "Acme makes anvils in Ohio. It sells them to coyotes. The market grew by nine percent."


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


LEAVES: list[Any] = [
    str,
    int,
    float,
    bool,
    date,
    Colour,
    Literal["yes", "no"],
    Literal[7],
    Annotated[str, Field(min_length=120, max_length=130)],
    Annotated[str, Field(max_length=5)],
    Annotated[int, Field(ge=3, le=4)],
    Annotated[int, Field(gt=3, lt=5)],
    Annotated[int, Field(multiple_of=7, ge=10)],
    Annotated[float, Field(ge=0, le=1)],
    Annotated[float, Field(le=-2)],
]
NAMES = st.sampled_from(["title", "source", "file_ids", "claim", "profile", "score"])


def made(fields: dict[str, Any]) -> type[BaseModel]:
    definitions: Any = {name: (kind, ...) for name, kind in fields.items()}
    model: type[BaseModel] = create_model("Made", **definitions)
    return model


def models(fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, fields, min_size=1, max_size=4).map(made)


def kinds(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(lambda kind: kind | None if isinstance(kind, type) else kind),
        inner.map(lambda kind: list[kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: Annotated[list[kind], Field(min_length=4, max_length=5)]),  # type: ignore[valid-type]
        models(inner),
    )


def fill(model: type[BaseModel]) -> BaseModel:
    schema = to_strict_json_schema(model)
    refuse_loose(schema)
    return model.model_validate(Filler(schema, Material((), PROMPT)).fill())


@settings(max_examples=50)
@given(models(st.recursive(st.sampled_from(LEAVES), kinds, max_leaves=6)))
def test_an_answer_is_valid_for_any_model(model: type[BaseModel]) -> None:
    fill(model)


class Node(BaseModel):
    name: str
    children: list[Node]
    parent: Node | None


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    assert isinstance(fill(Node), Node)


def test_a_schema_in_parts_is_put_together() -> None:
    schema = {
        "allOf": [
            {"properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"b": {"const": 3}}},
        ]
    }
    assert Filler(schema, Material((), "Yes.")).fill() == {"a": "Yes.", "b": 3}


def test_an_enum_takes_what_was_just_said() -> None:
    schema = {
        "type": "object",
        "properties": {"claim": {"type": "string"}, "country": {"enum": ["Texas", "Ohio"]}},
    }
    assert Filler(schema, Material((), PROMPT)).fill()["country"] == "Ohio"


def test_a_pattern_that_no_sentence_matches_is_refused_and_not_broken() -> None:
    schema = {"type": "object", "properties": {"code": {"type": "string", "pattern": "^[0-9]+$"}}}
    with pytest.raises(ApiError, match="'code'"):
        Filler(schema, Material((), PROMPT)).fill()


def test_sentences_lose_the_marks_of_markdown() -> None:
    text = '# Title\n\n1. First thing.  Second\tthing!\n- a point\n---\n> said: "so"?'
    assert sentences(text) == ["Title", "First thing.", "Second thing!", "a point", 'said: "so"?']


def test_a_sentence_goes_on_past_a_line_that_was_wrapped() -> None:
    wrapped = (
        "A long line that an editor has broken near the eightieth column, goes\non.\nKey: v\nB: c"
    )
    assert sentences(wrapped) == [
        "A long line that an editor has broken near the eightieth column, goes on.",
        "Key: v",
        "B: c",
    ]
