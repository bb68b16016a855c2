"""The ingest of SQS events: what ends where, and what a second try does not repeat."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from openai import OpenAI

from functions.clients.dynamodb import Table
from functions.clients.step_functions import StateMachine
from functions.errors import (
    InvalidMessageError,
    LeaseHeldError,
    OpenAIRejectedError,
    OpenAIUnavailableError,
    UnusableAnswerError,
)
from functions.ingest.grouping import Group, group
from functions.ingest.ingest import Ingest
from functions.ingest.ledger import Ledger, request_key
from functions.messages import DownloadRequest
from local.standins.openai import AnswerPlan, Fault, OpenAIStandIn
from tests.functions.ingest.conftest import PAGE, REFRESH_SECONDS, Clock, Web, Worker, message


def attributes(standin: OpenAIStandIn) -> list[dict[str, Any]]:
    """The attributes of every attached file."""
    return [
        dict(attachment.attributes)
        for store in standin.vector_stores.values()
        for attachment in store.attachments.values()
    ]


def test_a_document_is_uploaded_attached_and_watched(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    assert worker.run(message(customerDomain="c.com", legalName="Example Inc")) == []
    [file] = standin.files.values()
    assert file.filename.endswith(".md")
    assert b"<p>" not in file.content
    [store] = standin.vector_stores.values()
    [execution] = worker.executions()
    assert execution == {
        "vectorStoreId": store.id,
        "vectorStoreName": "news/example.com",
        "batchId": next(iter(standin.file_batches)),
        "context": {
            "domain": "example.com",
            "type": "news",
            "legalName": "Example Inc",
            "industries": [],
            "markets": [],
            "customerDomain": "c.com",
            "subjectType": "customer",
        },
    }
    [entry] = worker.entries()
    assert entry["status"] == "HANDED_OVER"
    assert entry["upload"]["file_id"] == file.id


def test_each_file_says_where_it_came_from(worker: Worker, standin: OpenAIStandIn) -> None:
    worker.run(message(), message("https://example.com/gone", customerDomain="c.com"))
    downloaded, replaced = sorted(attributes(standin), key=lambda a: str(a["source"]))
    assert downloaded == {
        "url": "https://example.com/news",
        "domain": "example.com",
        "customerDomain": "example.com",
        "type": "news",
        "source": "download",
        "ingestedAt": "2023-11-14T22:13:20+00:00",
        "ledgerKey": request_key(_parsed(message())),
    }
    assert replaced["source"] == "fallback"
    assert replaced["reason"] == "http-status: 404"


def test_a_long_url_is_cut_in_the_attributes_and_whole_in_the_ledger(
    worker: Worker, standin: OpenAIStandIn, web: Web
) -> None:
    url = "https://example.com/" + "x" * 1000
    web.pages[url] = PAGE
    worker.run(message(url))
    assert attributes(standin)[0]["url"] == url[:512]
    assert worker.entries()[0]["url"] == url


def test_one_bad_record_fails_alone(worker: Worker, web: Web, standin: OpenAIStandIn) -> None:
    good = [f"https://example.com/{number}" for number in range(9)]
    web.pages.update(dict.fromkeys(good, PAGE))
    failures = worker.run(*[message(url) for url in good], "no json at all")
    assert [type(failure.error) for failure in failures] == [InvalidMessageError]
    assert [failure.delivery.body for failure in failures] == ["no json at all"]
    assert len(standin.files) == 9
    assert len(standin.file_batches) == 1


def test_a_failed_download_is_replaced_by_what_is_known(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    assert worker.run(message("https://example.com/gone", fallback="They sold 40 pumps.")) == []
    [file] = standin.files.values()
    assert b"They sold 40 pumps." in file.content
    assert file.filename.endswith(".md")


def test_an_empty_fallback_fails_the_record(worker: Worker, standin: OpenAIStandIn) -> None:
    standin.answers.add(AnswerPlan(shape="empty"))
    [failure] = worker.run(message("https://example.com/gone"))
    assert isinstance(failure.error, UnusableAnswerError)
    assert standin.files == {}


def test_a_failed_upload_is_no_failed_download(worker: Worker, standin: OpenAIStandIn) -> None:
    standin.faults.add(Fault(operation="files.create", status=500))
    [failure] = worker.run(message())
    assert isinstance(failure.error, OpenAIUnavailableError)
    assert standin.calls.count("responses.create") == 0
    # Its next delivery need not wait for a lease to end.
    assert worker.run(message()) == []
    assert len(standin.files) == 1


def test_two_requesters_of_one_store_are_both_watched(
    worker: Worker, standin: OpenAIStandIn
) -> None:
    worker.run(message(customerDomain="a.com"), message(customerDomain="b.com"))
    assert len(standin.vector_stores) == 1
    assert sorted(e["context"]["customerDomain"] for e in worker.executions()) == ["a.com", "b.com"]


def test_documents_are_worked_on_side_by_side(
    worker: Worker, web: Web, standin: OpenAIStandIn
) -> None:
    urls = [f"https://example.com/{number}" for number in range(10)]
    web.pages.update(dict.fromkeys(urls, PAGE))
    # Every download waits until all ten are under way, and every upload lasts.
    web.meeting = threading.Barrier(len(urls), timeout=30)
    standin.latency["files.create"] = 0.3
    assert worker.run(*[message(url) for url in urls]) == []
    uploads = standin.calls.of("files.create")
    last_start, first_end = max(c.started for c in uploads), min(c.ended for c in uploads)
    assert len(uploads) == 10
    assert last_start - first_end < 0.3  # two rounds of uploads would be further apart


def test_a_group_is_cut_into_batches_of_the_largest_size(
    worker: Worker, web: Web, standin: OpenAIStandIn
) -> None:
    urls = [f"https://example.com/{number}" for number in range(5)]
    web.pages.update(dict.fromkeys(urls, PAGE))
    worker.max_files = 2
    assert worker.run(*[message(url) for url in urls]) == []
    assert sorted(len(batch.attachments) for batch in standin.file_batches.values()) == [1, 2, 2]
    assert len(worker.executions()) == 3


class TestSecondDeliveries:
    """A message that arrives again, or whose first try died half-way."""

    def test_in_one_event_are_one_request(self, worker: Worker, standin: OpenAIStandIn) -> None:
        assert worker.run(message(), message()) == []
        assert len(standin.files) == 1
        assert len(worker.executions()) == 1

    def test_of_a_request_that_is_done_do_nothing(
        self, worker: Worker, standin: OpenAIStandIn
    ) -> None:
        worker.run(message())
        before = len(standin.calls)
        assert worker.run(message()) == []
        assert len(standin.calls) == before
        assert len(worker.executions()) == 1

    def test_fail_together_if_the_request_fails(
        self, worker: Worker, standin: OpenAIStandIn
    ) -> None:
        standin.faults.add(Fault(operation="files.create", status=400))
        assert len(worker.run(message(), message())) == 2

    def test_of_a_request_in_other_hands_come_again_later(
        self, worker: Worker, standin: OpenAIStandIn, clock: Clock
    ) -> None:
        died = worker.ingest().preparation
        request = message()
        died.prepare(_parsed(request))
        [failure] = worker.run(request)
        assert isinstance(failure.error, LeaseHeldError)
        clock.now += 301  # the first worker cannot be running any more
        assert worker.run(request) == []
        assert standin.calls.count("files.create") == 1
        assert len(worker.executions()) == 1

    def test_go_on_with_a_batch_that_was_made_but_not_started(
        self, worker: Worker, standin: OpenAIStandIn, clock: Clock, web: Web
    ) -> None:
        web.pages["https://example.com/2"] = PAGE
        died = worker.ingest()
        handover = replace(died.handover, flow=DeadMachine())
        with pytest.raises(KeyboardInterrupt):
            handover.hand_over(_one_group(died, message(), message("https://example.com/2")))
        clock.now += 301
        # Redelivered one at a time, to two workers.
        assert worker.run(message()) == []
        assert worker.run(message("https://example.com/2")) == []
        assert standin.calls.count("vector_stores.file_batches.create") == 1
        assert len(worker.executions()) == 1
        assert {entry["status"] for entry in worker.entries()} == {"HANDED_OVER"}

    def test_make_a_new_batch_if_the_answer_to_the_first_was_lost(
        self, worker: Worker, standin: OpenAIStandIn
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

    def test_upload_again_what_has_been_deleted_meanwhile(
        self, worker: Worker, standin: OpenAIStandIn, openai_client: OpenAI
    ) -> None:
        standin.faults.add(Fault(operation="vector_stores.file_batches.create", status=500))
        assert len(worker.run(message())) == 1
        openai_client.files.delete(next(iter(standin.files)))
        [failure] = worker.run(message())
        assert isinstance(failure.error, OpenAIUnavailableError)
        assert worker.run(message()) == []
        assert len(standin.files) == 1
        assert len(worker.executions()) == 1

    def test_after_the_refresh_age_are_a_new_request(
        self, worker: Worker, standin: OpenAIStandIn, clock: Clock
    ) -> None:
        worker.run(message())
        clock.now += REFRESH_SECONDS + 1
        assert worker.run(message()) == []
        assert standin.calls.count("files.create") == 2
        assert len(worker.executions()) == 2

    def test_of_a_refresh_that_died_at_once_take_nothing_over_from_before_it(
        self, worker: Worker, standin: OpenAIStandIn, clock: Clock
    ) -> None:
        worker.run(message())
        clock.now += REFRESH_SECONDS + 1
        key = request_key(_parsed(message()))
        assert worker.ingest().preparation.ledger.claim(key, _parsed(message()))
        clock.now += 301
        assert worker.run(message()) == []
        assert standin.calls.count("files.create") == 2
        assert len(worker.executions()) == 2

    def test_with_a_request_id_may_tell_the_fallback_differently(
        self, worker: Worker, standin: OpenAIStandIn
    ) -> None:
        worker.run(message(requestId="r1", fallback="One wording."))
        worker.run(message(requestId="r1", fallback="Another wording."))
        assert len(standin.files) == 1

    def test_of_one_request_id_for_two_documents_are_two_requests(
        self, worker: Worker, standin: OpenAIStandIn, web: Web
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
    request = _parsed(message())
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


def test_a_group_that_fails_leaves_the_others_alone(worker: Worker, standin: OpenAIStandIn) -> None:
    standin.faults.add(Fault(operation="vector_stores.create", status=400))
    failures = worker.run(message(vectorStore="one"), message(vectorStore="two"))
    assert [type(failure.error) for failure in failures] == [OpenAIRejectedError]
    assert len(worker.executions()) == 1


def test_a_request_whose_lease_was_taken_over_is_not_marked_done(
    worker: Worker, table: Table
) -> None:
    ingest = worker.ingest()
    group = _one_group(ingest, message())
    key = group.members[0].claim.key
    item = {"pk": f"REQUEST#{key}", "sk": "REQUEST"}
    assert table.update(item, {"leaseOwner": "another"}, when=Attr("pk").exists())
    with pytest.raises(Exception, match="taken over by another worker"):
        ingest.handover.hand_over(group)
    assert worker.entries()[0]["status"] == "WORKING"


@pytest.fixture
def table(worker: Worker) -> Table:
    return worker.table


def _parsed(body: dict[str, Any]) -> DownloadRequest:
    return DownloadRequest.parse(body)


def _one_group(ingest: Ingest, *bodies: dict[str, Any]) -> Group:
    prepared = [ingest.preparation.prepare(_parsed(body)) for body in bodies]
    [only] = group([each for each in prepared if each], max_files=500)
    return only


class DeadMachine(StateMachine):
    """Ends the worker as a time-out would: no handler of ours runs."""

    def __init__(self) -> None:
        """It needs neither a client nor a machine."""

    def start(self, _name: str, _execution_input: Mapping[str, Any]) -> bool:
        raise KeyboardInterrupt
