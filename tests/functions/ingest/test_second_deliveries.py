"""A message that arrives again, or whose first try died half-way, or that two workers have."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from openai import OpenAI

from functions.clients.dynamodb import Table
from functions.clients.step_functions import StateMachine
from functions.errors import LeaseHeldError, OpenAIUnavailableError
from functions.ingest.ledger import Ledger, request_key
from local.standins.openai import Fault, OpenAIStandIn
from tests.functions.ingest.conftest import (
    PAGE,
    REFRESH_SECONDS,
    Clock,
    Web,
    Worker,
    message,
    one_group,
    parsed,
)


class DeadMachine(StateMachine):
    """Ends the worker as a time-out would: no handler of ours runs."""

    def __init__(self) -> None:
        """It needs neither a client nor a machine."""

    def start(self, _name: str, _execution_input: Mapping[str, Any]) -> bool:
        raise KeyboardInterrupt


@pytest.fixture
def table(worker: Worker) -> Table:
    return worker.table


def test_second_deliveries_in_one_event_are_one_request(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    assert worker.run(message(), message()) == []
    assert len(standin.files) == 1
    assert len(worker.executions()) == 1


def test_second_deliveries_of_a_request_that_is_done_do_nothing(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    worker.run(message())
    before = len(standin.calls)
    assert worker.run(message()) == []
    assert len(standin.calls) == before
    assert len(worker.executions()) == 1


def test_second_deliveries_fail_together_if_the_request_fails(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    standin.faults.add(Fault(operation="files.create", status=400))
    assert len(worker.run(message(), message())) == 2


def test_second_deliveries_of_a_request_in_other_hands_come_again_later(
    worker: Worker, standin: OpenAIStandIn, clock: Clock
) -> None:
    died = worker.ingest().preparation
    request = message()
    died.prepare(parsed(request))
    [failure] = worker.run(request)
    assert isinstance(failure.error, LeaseHeldError)
    clock.now += 301  # the first worker cannot be running any more
    assert worker.run(request) == []
    assert standin.calls.count("files.create") == 1
    assert len(worker.executions()) == 1


def test_second_deliveries_go_on_with_a_batch_that_was_made_but_not_started(
    worker: Worker, standin: OpenAIStandIn, clock: Clock, web: Web
) -> None:
    web.pages["https://example.com/2"] = PAGE
    died = worker.ingest()
    handover = replace(died.handover, flow=DeadMachine())
    with pytest.raises(KeyboardInterrupt):
        handover.hand_over(one_group(died, message(), message("https://example.com/2")))
    clock.now += 301
    # Redelivered one at a time, to two workers.
    assert worker.run(message()) == []
    assert worker.run(message("https://example.com/2")) == []
    assert standin.calls.count("vector_stores.file_batches.create") == 1
    assert len(worker.executions()) == 1
    assert {entry["status"] for entry in worker.entries()} == {"HANDED_OVER"}


def test_second_deliveries_make_a_new_batch_if_the_answer_to_the_first_was_lost(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    lost = Fault(operation="vector_stores.file_batches.create", drop="after")
    standin.faults.add(lost)
    [failure] = worker.run(message())
    assert isinstance(failure.error, OpenAIUnavailableError)
    assert worker.run(message()) == []
    [store] = standin.vector_stores.values()
    assert len(store.attachments) == 1
    assert len(standin.files) == 1
    assert len(worker.executions()) == 1


def test_second_deliveries_upload_again_what_has_been_deleted_meanwhile(
    worker: Worker, standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    standin.faults.add(Fault(operation="vector_stores.file_batches.create", status=500))
    assert len(worker.run(message())) == 1
    openai_client.files.delete(next(iter(standin.files)))
    [failure] = worker.run(message())
    assert isinstance(failure.error, OpenAIUnavailableError)
    assert worker.run(message()) == []
    assert len(standin.files) == 1
    assert len(worker.executions()) == 1


def test_second_deliveries_after_the_refresh_age_are_a_new_request(
    worker: Worker, standin: OpenAIStandIn, clock: Clock
) -> None:
    worker.run(message())
    clock.now += REFRESH_SECONDS + 1
    assert worker.run(message()) == []
    assert standin.calls.count("files.create") == 2
    assert len(worker.executions()) == 2


def test_second_deliveries_of_a_refresh_that_died_at_once_take_nothing_over_from_before_it(
    worker: Worker, standin: OpenAIStandIn, clock: Clock
) -> None:
    worker.run(message())
    clock.now += REFRESH_SECONDS + 1
    key = request_key(parsed(message()))
    assert worker.ingest().preparation.ledger.claim(key, parsed(message()))
    clock.now += 301
    assert worker.run(message()) == []
    assert standin.calls.count("files.create") == 2
    assert len(worker.executions()) == 2


def test_second_deliveries_with_a_request_id_may_tell_the_fallback_differently(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    worker.run(message(requestId="r1", fallback="One wording."))
    worker.run(message(requestId="r1", fallback="Another wording."))
    assert len(standin.files) == 1


def test_second_deliveries_of_one_request_id_for_two_documents_are_two_requests(
    worker: Worker, standin: OpenAIStandIn, web: Web
) -> None:
    web.pages["https://example.com/2"] = PAGE
    worker.run(message(requestId="r1"), message("https://example.com/2", requestId="r1"))
    assert len(standin.files) == 2


def test_two_workers_at_once_ingest_a_document_once(worker: Worker, standin: OpenAIStandIn) -> None:
    standin.latency["files.create"] = 0.2
    failures: list[Any] = []
    threads = [
        threading.Thread(target=lambda: failures.extend(worker.run(message()))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(failure.error) for failure in failures] == [LeaseHeldError] * 3
    assert len(standin.files) == 1
    assert len(standin.vector_stores) == 1
    assert len(worker.executions()) == 1


def test_of_two_workers_that_saw_the_same_lease_end_one_takes_the_request(
    worker: Worker, clock: Clock
) -> None:
    request = parsed(message())
    key = request_key(request)
    assert worker.ingest().preparation.ledger.claim(key, request)
    clock.now += 301

    class Raced(Table):
        """Another worker comes in between what is read and what is written."""

        def update(self, *args: Any, **kwargs: Any) -> bool:
            assert worker.ingest().preparation.ledger.claim(key, request)
            return super().update(*args, **kwargs)

    raced = Ledger(
        Raced.named(worker.table.name),
        owner="raced",
        lease_until=int(clock() + 300),
        refresh_after_seconds=REFRESH_SECONDS,
        clock=clock,
    )
    with pytest.raises(LeaseHeldError):
        raced.claim(key, request)


def test_a_request_whose_lease_was_taken_over_is_not_marked_done(
    worker: Worker, table: Table
) -> None:
    ingest = worker.ingest()
    group = one_group(ingest, message())
    key = group.members[0].claim.key
    item = {"pk": f"REQUEST#{key}", "sk": "REQUEST"}
    assert table.update(item, {"leaseOwner": "another"}, when=Attr("pk").exists())
    with pytest.raises(Exception, match="taken over by another worker"):
        ingest.handover.hand_over(group)
    assert worker.entries()[0]["status"] == "WORKING"
