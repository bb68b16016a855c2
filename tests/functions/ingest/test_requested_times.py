"""When a batch was asked for: it is measured from there to its analysis."""

from dataclasses import replace
from typing import Any

import pytest

from functions.ingest.grouping import Prepared, group
from functions.ingest.ingest import Ingest
from local.standins.openai import OpenAIStandIn
from tests.functions.conftest import LogLines
from tests.functions.ingest.conftest import PAGE, Clock, Web, Worker, delivery, message, parsed
from tests.functions.ingest.test_second_deliveries import DeadMachine

ONE, TWO = "https://example.com/news", "https://example.com/2"
EARLY, LATE = 1_700_000_000, 1_700_000_060


@pytest.fixture(autouse=True)
def two_pages(web: Web) -> None:
    web.pages[TWO] = PAGE


def run(worker: Worker, times: dict[str, int | None]) -> None:
    """One invocation with messages of these pages, which came at these times."""
    ingest = worker.ingest()
    came = [replace(delivery(message(url)), sent_at=time) for url, time in times.items()]
    assert ingest.run(came) == []


def test_a_batch_was_asked_for_when_its_oldest_message_came(worker: Worker) -> None:
    run(worker, {ONE: LATE, TWO: EARLY})

    [execution] = worker.executions()
    assert execution["requestedAt"] == EARLY


def test_of_messages_that_ask_for_the_same_the_first_counts(worker: Worker) -> None:
    came = [replace(delivery(message(ONE)), sent_at=time) for time in (LATE, EARLY)]
    assert worker.ingest().run(came) == []

    [execution] = worker.executions()
    assert execution["requestedAt"] == EARLY


def test_a_queue_that_does_not_say_when_does_no_harm(worker: Worker) -> None:
    run(worker, {ONE: None, TWO: LATE})

    [execution] = worker.executions()
    assert execution["requestedAt"] == LATE


def test_a_batch_that_is_handed_over_again_has_the_same_input_whoever_of_it_comes(
    worker: Worker, clock: Clock
) -> None:
    died = worker.ingest()
    prepared = [_prepared(died, ONE, LATE), _prepared(died, TWO, EARLY)]
    [together] = group(prepared, max_files=500)
    with pytest.raises(KeyboardInterrupt):
        replace(died.handover, flow=DeadMachine()).hand_over(together)
    clock.now += 301
    started: list[Any] = []
    recorded = worker.flow.start

    class Machine(DeadMachine):
        def start(self, name: str, execution_input: Any) -> bool:
            started.append(execution_input)
            return recorded(name, execution_input)

    worker.flow = Machine()

    # The one that came first is not among those that come again at first.
    run(worker, {ONE: LATE})
    run(worker, {TWO: EARLY})

    assert [execution["requestedAt"] for execution in started] == [EARLY, EARLY]
    assert started[0] == started[1]


def _prepared(ingest: Ingest, url: str, came: int) -> Prepared:
    """A document that is uploaded."""
    prepared = ingest.preparation.prepare(parsed(message(url)))
    assert prepared is not None
    return replace(prepared, requested_at=came)


def test_a_persons_way_from_a_message_to_its_batch(
    worker: Worker, standin: OpenAIStandIn, logged: LogLines
) -> None:
    run(worker, {ONE: EARLY, TWO: LATE})

    lines = logged()
    taken = {line["url"]: line for line in lines if line["message"] == "document taken up"}
    uploaded = [line for line in lines if line["message"] == "document uploaded"]
    [handed] = [line for line in lines if line["message"] == "file batch handed over"]
    keys = {url: line["ledger_key"] for url, line in taken.items()}
    assert all(line["message_id"].startswith("message-") for line in taken.values())
    assert {line["ledger_key"] for line in uploaded} == set(keys.values())
    assert {line["file_id"] for line in uploaded} == standin.files.keys()
    assert set(handed["ledger_key"].split()) == set(keys.values())
    [batch] = standin.file_batches
    assert handed["batch_id"] == batch
