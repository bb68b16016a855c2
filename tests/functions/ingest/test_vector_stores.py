"""One vector store a name, whatever happens at once or was there before."""

import threading
from dataclasses import replace

import pytest
from openai import OpenAI

from functions.clients.dynamodb import Table
from functions.clients.openai import OpenAIService
from functions.errors import LeaseHeldError, OpenAIUnavailableError
from functions.ingest.vector_stores import VectorStores
from local.standins.openai import Fault, OpenAIStandIn
from tests.functions.conftest import MakeTable
from tests.functions.ingest.conftest import Clock, Worker, message

NAME = "news/example.com"


@pytest.fixture
def stores(make_table: MakeTable, openai_service: OpenAIService, clock: Clock) -> VectorStores:
    return another_worker(make_table("ledger"), openai_service, clock, "first")


def another_worker(table: Table, openai: OpenAIService, clock: Clock, owner: str) -> VectorStores:
    return VectorStores(
        table=table,
        openai=openai,
        owner=owner,
        lease_until=int(clock() + 300),
        clock=clock,
        wait_seconds=5,
    )


def test_a_name_that_is_known_costs_no_call(stores: VectorStores, standin: OpenAIStandIn) -> None:
    made = stores.resolve(NAME)
    before = len(standin.calls)
    assert stores.resolve(NAME) == made
    assert len(standin.calls) == before


def test_a_store_on_a_later_page_is_found(
    stores: VectorStores, standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    for number in range(130):
        openai_client.vector_stores.create(name=f"other-{number}")
    there = openai_client.vector_stores.create(name=NAME)
    assert stores.resolve(NAME) == there.id
    assert standin.calls.count("vector_stores.create") == 131


def test_workers_at_once_make_one_store(
    stores: VectorStores, standin: OpenAIStandIn, clock: Clock
) -> None:
    standin.latency["vector_stores.create"] = 0.3
    found: list[str] = []
    workers = [replace(stores, owner=f"worker-{number}") for number in range(5)]
    threads = [
        threading.Thread(target=lambda worker=worker: found.append(worker.resolve(NAME)))
        for worker in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 5
    assert set(found) == set(standin.vector_stores)
    assert len(standin.vector_stores) == 1


def test_a_store_whose_making_was_not_answered_is_found_and_not_made_again(
    stores: VectorStores, standin: OpenAIStandIn
) -> None:
    standin.faults.add(Fault(operation="vector_stores.create", drop="after"))
    with pytest.raises(OpenAIUnavailableError):
        stores.resolve(NAME)
    assert stores.resolve(NAME) == next(iter(standin.vector_stores))
    assert len(standin.vector_stores) == 1


def test_a_worker_that_died_holds_the_name_until_its_lease_ends(
    stores: VectorStores, clock: Clock
) -> None:
    stores.table.put(
        {"pk": f"STORE#{NAME}", "sk": "STORE", "leaseOwner": "d", "leaseUntil": int(clock() + 60)}
    )
    with pytest.raises(LeaseHeldError):
        replace(stores, wait_seconds=0).resolve(NAME)
    clock.now += 61
    assert stores.resolve(NAME).startswith("vs_")


def test_a_store_that_has_gone_is_made_again(
    worker: Worker, standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    worker.run(message())
    [gone] = standin.vector_stores
    openai_client.vector_stores.delete(gone)
    assert worker.run(message(fallback="another request")) == []
    [made] = standin.vector_stores
    assert made != gone


def test_a_store_that_has_expired_is_made_again(worker: Worker, standin: OpenAIStandIn) -> None:
    worker.run(message())
    [expired] = standin.vector_stores
    standin.expire_vector_store(expired)
    assert worker.run(message(fallback="another request")) == []
    newest = worker.executions()[0]["vectorStoreId"]
    assert {e["vectorStoreId"] for e in worker.executions()} == {expired, *standin.vector_stores}
    assert newest in standin.vector_stores


def test_a_store_expires_as_configured(stores: VectorStores, standin: OpenAIStandIn) -> None:
    replace(stores, expires_after_days=7).resolve(NAME)
    [store] = standin.vector_stores.values()
    assert store.expires_after is not None
    assert (store.expires_after.anchor, store.expires_after.days) == ("last_active_at", 7)
