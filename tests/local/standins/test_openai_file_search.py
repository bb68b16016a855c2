"""The OpenAI stand-in's file search, and answers that name their sources."""

from collections.abc import Sequence
from typing import Any, Literal

import pytest
from openai import NotFoundError, OpenAI
from openai.types.responses import (
    FileSearchToolParam,
    ResponseFileSearchToolCall,
    ResponseOutputMessage,
)
from pydantic import BaseModel

from local.standins.openai import OpenAIStandIn

ANVILS = b"""# Acme

Acme makes anvils in Ohio and sells them to coyotes in the desert.

The anvil market grew by nine percent last year, says the trade press.
"""
BOOTS = b"""<html><head><style>p {color: red}</style></head><body>
<p>Bolt makes rocket boots &amp; skates for people who are in a great hurry.</p>
<script>var hidden = "never seen by anyone who reads";</script></body></html>"""


@pytest.fixture
def store_id(openai_client: OpenAI) -> str:
    """A store with two documents."""
    store = openai_client.vector_stores.create(name="s")
    for name, content in (("anvils.md", ANVILS), ("boots.html", BOOTS)):
        file = openai_client.files.create(file=(name, content), purpose="assistants")
        openai_client.vector_stores.files.create(
            store.id, file_id=file.id, attributes={"kind": name.split(".", maxsplit=1)[0]}
        )
    return store.id


def file_search(*store_ids: str, **more: Any) -> FileSearchToolParam:
    tool: Any = {"type": "file_search", "vector_store_ids": list(store_ids), **more}
    return tool  # type: ignore[no-any-return]


def found(client: OpenAI, query: str, tool: FileSearchToolParam) -> Sequence[str | None]:
    """The names of the files whose passages were found, best first."""
    response = client.responses.create(
        model="m", input=query, tools=[tool], include=["file_search_call.results"]
    )
    call = response.output[0]
    assert isinstance(call, ResponseFileSearchToolCall)
    return [result.filename for result in call.results or ()]


class Finding(BaseModel):
    source_file_ids: list[str]
    source: str
    claim: str
    weight: Literal["low", "high"]


class Report(BaseModel):
    files: list[str]
    title: str
    findings: list[Finding]
    growth: float | None


def test_structured_output_is_a_valid_model_that_names_its_sources(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, store_id: str
) -> None:
    report = openai_client.responses.parse(
        model="m", input="anvils and boots", text_format=Report, tools=[file_search(store_id)]
    ).output_parsed

    assert report is not None
    assert set(report.files) == {"anvils.md", "boots.html"}
    assert 1 <= len(report.findings) <= 3
    names = {file.id: file.filename for file in openai_standin.files.values()}
    texts = {"anvils.md": ANVILS.decode(), "boots.html": "Bolt makes rocket boots & skates"}
    for finding in report.findings:
        assert finding.claim[:30] in texts[finding.source], "each claim is its source's sentence"
        assert [names[file_id] for file_id in finding.source_file_ids] == [finding.source]


def test_structured_output_without_files_is_made_of_the_input(openai_client: OpenAI) -> None:
    report = openai_client.responses.parse(
        model="m", input="Boots are in demand.", text_format=Report
    ).output_parsed
    assert report is not None
    assert report.findings[0].claim == "Boots are in demand."
    assert report.files == report.findings[0].source_file_ids == []


def test_file_search_finds_the_passages_that_share_words_with_the_query(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, store_id: str
) -> None:
    response = openai_client.responses.create(
        model="m",
        input="Who makes rocket boots?",
        tools=[file_search(store_id)],
        include=["file_search_call.results"],
    )
    call, message = response.output
    assert isinstance(call, ResponseFileSearchToolCall)
    assert isinstance(message, ResponseOutputMessage)
    assert (call.status, call.queries) == ("completed", ["Who makes rocket boots?"])
    assert call.results is not None
    best = call.results[0]
    assert best.filename == "boots.html"
    assert best.file_id in openai_standin.files
    assert best.attributes == {"kind": "boots"}
    assert best.text == "Bolt makes rocket boots & skates for people who are in a great hurry."
    scores = [result.score or 0 for result in call.results]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] <= 1

    (part,) = message.content
    assert part.type == "output_text"
    assert best.text in part.text
    cited = {note.filename for note in part.annotations if note.type == "file_citation"}
    assert cited == {"anvils.md", "boots.html"}
    for note in part.annotations:
        assert note.type == "file_citation"
        assert part.text[: note.index].endswith("."), "a citation stands where its sentence ends"


def test_results_are_shown_only_where_they_are_included(
    openai_client: OpenAI, store_id: str
) -> None:
    response = openai_client.responses.create(
        model="m", input="boots", tools=[file_search(store_id)]
    )
    call = response.output[0]
    assert isinstance(call, ResponseFileSearchToolCall)
    assert call.results is None


def test_a_search_is_bounded_filtered_and_thresholded(openai_client: OpenAI, store_id: str) -> None:
    def search(**more: Any) -> Sequence[str | None]:
        return found(openai_client, "rocket boots", file_search(store_id, **more))

    assert search() == ["boots.html", "anvils.md"]
    assert search(max_num_results=1) == ["boots.html"]
    assert search(ranking_options={"score_threshold": 0.9}) == ["boots.html"]
    anvils = {"type": "eq", "key": "kind", "value": "anvils"}
    assert search(filters=anvils) == ["anvils.md"]
    assert search(filters={**anvils, "type": "ne"}) == ["boots.html"]
    assert search(filters={"type": "in", "key": "kind", "value": ["boots"]}) == ["boots.html"]
    nested = {"type": "or", "filters": [anvils, {"type": "and", "filters": [anvils]}]}
    assert search(filters={"type": "and", "filters": [nested]}) == ["anvils.md"]
    assert search(filters={"type": "eq", "key": "none", "value": "x"}) == []


@pytest.mark.parametrize(
    ("operator", "value", "passes"),
    [("gt", 4, True), ("gte", 5, True), ("lt", 5, False), ("lte", 5, True), ("nin", [5], False)],
)
def test_numbers_are_compared(
    openai_client: OpenAI, operator: str, value: Any, passes: bool
) -> None:
    file = openai_client.files.create(file=("a.md", ANVILS), purpose="assistants")
    store = openai_client.vector_stores.create(name="s")
    openai_client.vector_stores.files.create(store.id, file_id=file.id, attributes={"n": 5})
    tool = file_search(store.id, filters={"type": operator, "key": "n", "value": value})
    assert bool(found(openai_client, "anvils", tool)) == passes


def test_a_file_is_searched_only_once_it_is_indexed(openai_client: OpenAI) -> None:
    file = openai_client.files.create(file=("a.md", ANVILS), purpose="assistants")
    store = openai_client.vector_stores.create(name="s")
    batches = openai_client.vector_stores.file_batches
    batch = batches.create(store.id, file_ids=[file.id])
    assert found(openai_client, "anvils", file_search(store.id)) == []
    for _ in range(2):
        batches.retrieve(batch.id, vector_store_id=store.id)
    assert found(openai_client, "anvils", file_search(store.id)) == ["a.md"]


def test_a_store_that_is_gone_is_404(openai_client: OpenAI, store_id: str) -> None:
    openai_client.vector_stores.delete(store_id)
    with pytest.raises(NotFoundError, match=r"Vector store with id \['vs_.*'\] not found"):
        found(openai_client, "anvils", file_search(store_id))
