"""The messages: what is refused and with which field, what is filled in, what is ignored."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import InvalidMessageError
from functions.messages import (
    DownloadRequest,
    FileBatchRef,
    MarketAnalysisRequest,
    Message,
    RequestContext,
)

REQUEST = {
    "domain": "example.com",
    "url": "https://example.com/news",
    "fallback": "Example builds pumps.",
    "vectorStore": "news/example.com",
    "type": "news",
}
MODELS: list[type[Message]] = [DownloadRequest, FileBatchRef, MarketAnalysisRequest, RequestContext]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def test_what_a_request_leaves_out_has_a_value() -> None:
    context = DownloadRequest.parse(REQUEST).context
    assert context.to_wire() == {
        "domain": "example.com",
        "type": "news",
        "legalName": None,
        "industries": [],
        "markets": [],
        "customerDomain": "example.com",
        "subjectType": "customer",
    }


def test_the_legal_name_is_read_under_its_older_name_too() -> None:
    request = DownloadRequest.parse(REQUEST | {"legalCompanyName": "Example Inc"})
    assert request.legal_name == "Example Inc"
    assert request.context.to_wire()["legalName"] == "Example Inc"


def test_unknown_fields_are_ignored() -> None:
    assert "colour" not in DownloadRequest.parse(REQUEST | {"colour": "red"}).to_wire()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", 3),
        ("domain", ""),
        ("domain", "x" * 256),
        ("url", "ftp://example.com/x"),
        ("url", "https://example.com/" + "x" * 2048),
        ("url", None),
        ("fallback", ""),
        ("vectorStore", ["a"]),
        ("type", None),
        ("industries", "pumps"),
        ("industries", [1]),
        ("markets", None),
        ("customerDomain", ""),
        ("subjectType", "friend"),
        ("requestId", "x" * 129),
        ("legalName", 7),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidMessageError, match=rf"\b{field}\b"):
        DownloadRequest.parse(REQUEST | {field: value})


@pytest.mark.parametrize("field", ["domain", "url", "fallback", "vectorStore", "type"])
def test_a_missing_field_is_refused_by_its_name(field: str) -> None:
    with pytest.raises(InvalidMessageError, match=rf"{field}: Field required"):
        DownloadRequest.parse({k: v for k, v in REQUEST.items() if k != field})


def test_a_field_inside_another_is_named_by_its_path() -> None:
    ref = {"vectorStoreId": "vs", "vectorStoreName": "n", "batchId": "b", "context": {"type": "t"}}
    with pytest.raises(InvalidMessageError, match=r"context\.domain: Field required"):
        FileBatchRef.parse(ref)


def test_a_refusal_shows_no_value() -> None:
    with pytest.raises(InvalidMessageError) as refusal:
        DownloadRequest.parse(REQUEST | {"subjectType": "sk-marked"})
    assert "sk-marked" not in str(refusal.value)


@pytest.mark.parametrize("model", MODELS)
@given(value=json_values)
def test_any_json_value_is_parsed_or_refused(model: type[Message], value: Any) -> None:
    try:
        parsed = model.parse(value)
    except InvalidMessageError:
        return
    assert model.parse(parsed.to_wire()) == parsed


@pytest.mark.parametrize("model", MODELS)
@given(text=st.text())
def test_any_text_is_parsed_or_refused(model: type[Message], text: str) -> None:
    with pytest.raises(InvalidMessageError):
        model.parse_json(text)


@given(
    st.fixed_dictionaries(
        {
            "domain": st.text(min_size=1, max_size=255),
            "type": st.text(min_size=1, max_size=255),
            "url": st.text(max_size=200).map(lambda rest: f"https://{rest}"),
            "fallback": st.text(min_size=1),
            "vectorStore": st.text(min_size=1, max_size=255),
        },
        optional={
            "legalName": st.none() | st.text(min_size=1, max_size=255),
            "industries": st.lists(st.text()),
            "markets": st.lists(st.text()),
            "customerDomain": st.text(min_size=1, max_size=255),
            "subjectType": st.sampled_from(["customer", "competitor"]),
            "requestId": st.text(min_size=1, max_size=128),
        },
    )
)
def test_every_valid_request_survives_the_wire(wire: dict[str, Any]) -> None:
    request = DownloadRequest.parse(wire)
    assert wire.items() <= request.to_wire().items()
    assert DownloadRequest.parse(request.to_wire()) == request
