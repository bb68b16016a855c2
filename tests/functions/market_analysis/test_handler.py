"""The function behind the market-analysis queue, from its event to its answer."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.clients.dynamodb import Item, Table
from functions.clients.openai import OpenAIService
from functions.clients.secrets import Secret
from functions.errors import InvalidMessageError
from functions.market_analysis import handler as module
from functions.market_analysis.handler import handler
from local.standins.openai import AnswerPlan, Fault, OpenAIStandIn
from tests.functions.conftest import LogLines
from tests.functions.contents import store_with
from tests.functions.invocations import Context, SourceQueue, failed_ids
from tests.functions.market_analysis.requests import MODEL, file_ids, message, said

SUBJECT = {"pk": "DOMAIN#example.com", "sk": "CUSTOMER#customer.example#SUBJECT#competitor"}


@pytest.fixture
def queue(aws: None) -> SourceQueue:
    return SourceQueue("market-analysis")


@pytest.fixture(autouse=True)
def environment(
    monkeypatch: pytest.MonkeyPatch,
    secret: Secret,
    standin: OpenAIStandIn,
    table: Table,
    queue: SourceQueue,
) -> Iterator[None]:
    variables = {
        "OPENAI_API_KEY_SECRET_ARN": "openai-key",
        "OPENAI_BASE_URL": standin.base_url,
        "QUEUE_URL": queue.url,
        "RETRY_DELAY_SECONDS": "0",
        "ANALYSES_TABLE": table.name,
        "ANALYSIS_MODEL": MODEL,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    module._collaborators.cache_clear()
    yield
    module._collaborators.cache_clear()


def run(queue: SourceQueue) -> list[str]:
    """One invocation on what is visible in the queue; the messages that were given back."""
    event = queue.event()
    assert event["Records"], "there is nothing in the queue"
    response = handler(event, Context())
    queue.settle(event, response)
    return failed_ids(response)


def newest(table: Table, **key: str) -> Item:
    item = table.get(SUBJECT | key)
    assert item is not None
    return item


def asked(standin: OpenAIStandIn) -> int:
    return standin.calls.count("responses.create")


def test_a_message_becomes_an_analysis_of_what_was_ingested(
    queue: SourceQueue,
    table: Table,
    openai_service: OpenAIService,
    logged: LogLines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = store_with(openai_service, {"plant.md": "Example AG builds a solar plant."})
    queue.send(message(vectorStoreId=store))

    assert run(queue) == []

    item = newest(table)
    assert (item["version"], item["batchId"], item["legalName"]) == (1, "vsfb_1", "Example AG")
    [source] = item["sources"]
    assert (source["filename"], source["url"]) == ("plant.md", "https://news.example/plant.md")
    assert item["analysis"]["signals"]
    assert queue.left() == 0
    [line] = logged()
    assert (line["message"], line["version"], line["sources"]) == ("analysis stored", 1, 1)
    assert (line["batch_id"], line["vector_store_id"]) == ("vsfb_1", store)
    assert line["message_id"]
    assert '"AnalysesStored":[1.0]' in capsys.readouterr().out


def test_the_time_since_the_oldest_message_of_the_batch_came_is_measured(
    queue: SourceQueue, standin: OpenAIStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.send(message(requestedAt=int(time.time()) - 90))
    assert run(queue) == []
    lines = capsys.readouterr().out.splitlines()
    [measured] = [json.loads(line) for line in lines if "MessageToAnalysis" in line]
    [seconds] = measured["MessageToAnalysis"]
    assert 89 < seconds < 150
    [asked] = standin.calls.of("responses.create")
    assert "requestedAt" not in str(asked.body), "the model has no business with it"

    queue.send(message(batchId="vsfb_2"))
    assert run(queue) == []
    assert "MessageToAnalysis" not in capsys.readouterr().out, "nobody knows when it was asked for"


def test_a_message_that_comes_twice_is_worked_on_once(
    standin: OpenAIStandIn, queue: SourceQueue, table: Table
) -> None:
    for _ in range(2):
        queue.send(message())
        assert run(queue) == []

    assert asked(standin) == 1
    assert newest(table)["version"] == 1


def test_a_message_that_comes_twice_in_one_event_is_worked_on_once(
    standin: OpenAIStandIn, queue: SourceQueue, table: Table
) -> None:
    queue.send(message(), message())

    while queue.left():
        run(queue)

    assert asked(standin) == 1
    assert newest(table)["version"] == 1


def test_two_workers_at_once_ask_the_model_once(
    standin: OpenAIStandIn, queue: SourceQueue, table: Table
) -> None:
    asking, go_on = threading.Event(), threading.Event()

    def answer(_body: object) -> str:
        asking.set()
        assert go_on.wait(10)
        return said()

    standin.answers.add(AnswerPlan(text=answer))
    queue.send(message())
    first = queue.event()
    queue.send(message())
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(handler, first, Context())
        assert asking.wait(10)
        given_back = run(queue)
        go_on.set()
        assert failed_ids(working.result()) == []

    assert len(given_back) == 1, "the second cannot know yet whether the first will do it"
    assert run(queue) == [], "and finds it done"
    assert asked(standin) == 1
    assert newest(table)["version"] == 1


def test_a_second_batch_adds_to_the_first(
    queue: SourceQueue, table: Table, openai_service: OpenAIService
) -> None:
    found = []
    for batch in ("vsfb_1", "vsfb_2"):
        store = store_with(openai_service, {f"{batch}.md": "Example AG builds a solar plant."})
        queue.send(message(vectorStoreId=store, batchId=batch))
        assert run(queue) == []
        found.append(newest(table)["sources"][0]["file_id"])

    item = newest(table)
    assert (item["version"], file_ids(item["sources"])) == (2, found[::-1])


def test_two_requesters_of_one_store_each_get_theirs(
    standin: OpenAIStandIn, queue: SourceQueue, table: Table, openai_service: OpenAIService
) -> None:
    store = store_with(openai_service, {"plant.md": "Example AG builds a solar plant."})
    queue.send(
        message(vectorStoreId=store),
        message(vectorStoreId=store, customerDomain="another.example"),
        message(vectorStoreId=store, subjectType="customer"),
    )

    assert run(queue) == []

    assert asked(standin) == 3
    for customer, kind in [
        ("customer.example", "competitor"),
        ("another.example", "competitor"),
        ("customer.example", "customer"),
    ]:
        item = newest(table, sk=f"CUSTOMER#{customer}#SUBJECT#{kind}")
        assert (item["customerDomain"], item["subjectType"]) == (customer, kind)
        assert item["version"] == 1


def test_messages_without_a_batch_are_a_run_each(
    standin: OpenAIStandIn, queue: SourceQueue, table: Table
) -> None:
    without: dict[str, Any] = message(batchId=None)
    for version in (1, 2):
        queue.send(without)
        assert run(queue) == []
        assert newest(table)["version"] == version

    assert all("tools" not in call.body for call in standin.calls.of("responses.create"))


@pytest.mark.parametrize(
    "trouble",
    [
        Fault(operation="responses.create", status=500, times=2),
        Fault(operation="responses.create", status=400),
        AnswerPlan(shape="refusal", times=1),
        AnswerPlan(text="{}", times=1),
    ],
    ids=["500", "400", "refusal", "malformed"],
)
def test_a_failure_of_the_model_gives_the_run_back_so_that_the_next_delivery_can_do_it_at_once(
    standin: OpenAIStandIn, queue: SourceQueue, table: Table, trouble: Fault | AnswerPlan
) -> None:
    if isinstance(trouble, Fault):
        standin.faults.add(trouble)
    else:
        standin.answers.add(trouble)
    queue.send(message())

    [given_back] = run(queue)
    kept = table.get({"pk": f"MESSAGE#{given_back}", "sk": "FAILURE"})
    assert kept is not None, "with its reason"
    assert table.get(SUBJECT) is None

    assert run(queue) == []
    assert newest(table)["version"] == 1


def test_one_bad_message_goes_back_alone(queue: SourceQueue, table: Table) -> None:
    queue.send(message(), message(domain=7), "no JSON")

    given_back = run(queue)

    assert len(given_back) == 2
    assert queue.left() == 2
    reasons = [table.get({"pk": f"MESSAGE#{each}", "sk": "FAILURE"}) for each in given_back]
    wrong_type, no_json = [str(reason and reason["reason"]) for reason in reasons]
    assert wrong_type.startswith("MarketAnalysisRequest: domain")
    assert no_json.startswith("MarketAnalysisRequest: body")
    assert newest(table)["version"] == 1


def test_a_function_without_its_environment_raises_and_deletes_nothing(
    monkeypatch: pytest.MonkeyPatch, queue: SourceQueue
) -> None:
    monkeypatch.delenv("ANALYSES_TABLE")
    queue.send(message())

    with pytest.raises(InvalidMessageError, match="ANALYSES_TABLE"):
        handler(queue.event(), Context())

    assert queue.left() == 1


def test_clients_are_made_once_and_by_the_first_call_only(
    queue: SourceQueue, standin: OpenAIStandIn
) -> None:
    assert module._collaborators.cache_info().currsize == 0
    for batch in ("vsfb_1", "vsfb_2"):
        queue.send(message(batchId=batch))
        run(queue)
    assert module._collaborators.cache_info().misses == 1
