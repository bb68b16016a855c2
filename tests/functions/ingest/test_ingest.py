"""The ingest of SQS events: what ends where, and what a second try does not repeat."""

import threading
from typing import Any

from functions.errors import (
    InvalidMessageError,
    OpenAIRejectedError,
    OpenAIUnavailableError,
    UnusableAnswerError,
)
from functions.ingest.ledger import request_key
from local.standins.openai import AnswerPlan, Fault, OpenAIStandIn
from tests.functions.ingest.conftest import (
    PAGE,
    Web,
    Worker,
    message,
    parsed,
)


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
        "requestedAt": None,
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
        "ledgerKey": request_key(parsed(message())),
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


def test_a_group_that_fails_leaves_the_others_alone(worker: Worker, standin: OpenAIStandIn) -> None:
    standin.faults.add(Fault(operation="vector_stores.create", status=400))
    failures = worker.run(message(vectorStore="one"), message(vectorStore="two"))
    assert [type(failure.error) for failure in failures] == [OpenAIRejectedError]
    assert len(worker.executions()) == 1
