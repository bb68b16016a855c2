"""Whatever the items of the ledger and of the analyses hold: a result, or an error of ours."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.clients.dynamodb import Item, Table
from functions.clients.openai import Hit, OpenAIService
from functions.errors import AwsRejectedError, InvalidItemError, LeaseHeldError
from functions.ingest.ledger import Batch, Claim, Ledger, Upload, named_files, request_key
from functions.ingest.vector_stores import VectorStores
from functions.market_analysis.analyses import Analyses
from functions.messages import DownloadRequest
from tests.functions.bad_input.inputs import (
    OnlyOurErrors,
    assert_plain,
    check_told,
    each_part_missing,
    item_values,
    many,
    some,
    spoiled,
)
from tests.functions.conftest import MakeTable
from tests.functions.ingest.conftest import message
from tests.functions.market_analysis import requests as research

NOW, LEASE = 1_700_000_000, 1_700_000_300
REQUEST = DownloadRequest.parse(message())
KEY = request_key(REQUEST)
ENTRY_KEY = {"pk": f"REQUEST#{KEY}", "sk": "REQUEST"}
UPLOAD = {
    "file_id": "file-1",
    "file_name": "a.md",
    "sha256": "0" * 64,
    "source": "download",
    "reason": "",
    "ingested_at": "2026-01-01T00:00:00+00:00",
}
BATCH = {"batch_id": "vsfb_1", "vector_store_id": "vs_1", "vector_store_name": "news"}
WORKING = {"status": "WORKING", "leaseOwner": "other", "leaseUntil": 0, "upload": UPLOAD}
HANDED_OVER = {
    "status": "HANDED_OVER",
    "leaseOwner": "other",
    "leaseUntil": NOW - 9_000,
    "handedOverAt": NOW - 8_000,
    "upload": UPLOAD,
    "batch": BATCH,
    "fileFailure": {"batchId": "vsfb_1", "code": "c", "message": "m"},
}
MADE = {"batch": BATCH, "requests": [KEY], "expiresAt": NOW}
WORKER_KEY = {"pk": "WORKER#other", "sk": "BATCH#vsfb_1"}
STORE_KEY = {"pk": "STORE#news", "sk": "STORE"}
STORE = {"vectorStoreId": "vs_1", "leaseOwner": "other", "leaseUntil": 0}


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("ledger")


def replace(table: Table, key: Mapping[str, str], item: Item) -> None:
    """Put an item; what DynamoDB itself does not take is no item."""
    table.delete(key)
    try:
        table.put({**item, **key})
    except AwsRejectedError:
        table.put(dict(key))


def claimed(table: Table) -> Claim | None:
    ledger = Ledger(
        table, owner="me", lease_until=LEASE, refresh_after_seconds=3600, clock=lambda: NOW
    )
    claim = ledger.claim(KEY, REQUEST)
    assert_plain(claim)
    if claim:
        assert claim.upload is None or isinstance(claim.upload, Upload)
        assert claim.batch is None or isinstance(claim.batch, Batch)
    return claim


@pytest.mark.parametrize("good", [WORKING, HANDED_OVER, WORKING | {"batch": BATCH}])
@many
@given(data=st.data())
def test_any_entry_of_a_request_is_claimed_or_refused(
    table: Table, good: Item, data: st.DataObject
) -> None:
    replace(table, ENTRY_KEY, data.draw(spoiled(good, item_values)))
    with OnlyOurErrors():
        claimed(table)
    with OnlyOurErrors():
        assert_plain(named_files(table, KEY))


@pytest.mark.parametrize("good", [WORKING, HANDED_OVER])
def test_an_entry_without_one_of_its_parts_is_claimed_or_refused(table: Table, good: Item) -> None:
    for item in each_part_missing(good):
        replace(table, ENTRY_KEY, item)
        with OnlyOurErrors():
            claimed(table)


@some
@given(item=spoiled(MADE, item_values))
def test_an_upload_is_not_taken_for_batchless_while_a_batch_of_its_worker_cannot_be_read(
    table: Table, item: Item
) -> None:
    replace(table, ENTRY_KEY, WORKING)
    replace(table, WORKER_KEY, item)
    try:
        claim = claimed(table)
    except InvalidItemError:
        return
    assert claim
    if claim.batch is None:
        assert KEY not in item["requests"], "it would be paid for twice"


def test_a_request_is_given_up_whatever_is_told_of_its_failure(table: Table) -> None:
    replace(table, ENTRY_KEY, WORKING)
    ledger = Ledger(
        table, owner="me", lease_until=LEASE, refresh_after_seconds=3600, clock=lambda: NOW
    )
    claim = ledger.claim(KEY, REQUEST)
    assert claim
    ledger.release(claim.key, "x" * 500_000)
    entry = table.get(ENTRY_KEY)
    assert entry
    assert entry["leaseUntil"] == 0


def test_a_broken_batch_of_others_keeps_nobody_waiting(table: Table) -> None:
    replace(table, ENTRY_KEY, WORKING)
    replace(table, WORKER_KEY, {"requests": ["another"], "batch": "broken"})
    claim = claimed(table)
    assert claim
    assert claim.upload
    assert claim.batch is None


@some
@given(item=spoiled(STORE, item_values))
@example(item={"leaseOwner": "other", "leaseUntil": "tomorrow"})
def test_any_item_of_a_store_is_its_id_or_our_error(
    table: Table, openai_service: OpenAIService, item: Item
) -> None:
    replace(table, STORE_KEY, item)
    stores = VectorStores(
        table=table,
        openai=openai_service,
        owner="me",
        lease_until=LEASE,
        clock=lambda: NOW,
        wait_seconds=0,
    )
    try:
        found = stores.resolve("news")
    except (InvalidItemError, LeaseHeldError):
        return
    assert_plain(found)
    assert found


ANALYSED = {
    "version": 3,
    "sources": [{"file_id": "file-1", "filename": "a.md", "url": "https://a"}],
}
SUBJECT = {"pk": "DOMAIN#example.com", "sk": "CUSTOMER#customer.example#SUBJECT#competitor"}
RUN = {"status": "WORKING", "leaseOwner": "other", "leaseUntil": 0}
RUN_KEY = SUBJECT | {"sk": f"{SUBJECT['sk']}#BATCH#vsfb_1"}


def analyses(table: Table) -> Analyses:
    return Analyses(table, owner="me", lease_until=LEASE, clock=lambda: NOW)


@some
@given(item=spoiled(ANALYSED, item_values))
@example(item={"version": 3, "sources": [{"file_id": 7, "filename": "a", "url": "b"}]})
def test_any_analysis_is_followed_by_a_newer_one_or_refused(table: Table, item: Item) -> None:
    table.delete(RUN_KEY)
    replace(table, SUBJECT, item)
    worker = analyses(table)
    request = research.request()
    assert worker.claim(request, "BATCH#vsfb_1")
    hits = [Hit(file_id="file-2", filename="b.md", url="https://b")]
    try:
        version = worker.store(request, "BATCH#vsfb_1", research.analysis("b.md"), hits)
    except InvalidItemError as error:
        check_told(error, SUBJECT["pk"])
        return
    newest: Any = table.get(SUBJECT)
    assert newest["version"] == version == item["version"] + 1


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, (int, Decimal))


@some
# moto, other than DynamoDB, breaks where it compares a number with what is none.
@given(item=spoiled(RUN, item_values).filter(lambda item: _is_number(item.get("leaseUntil"))))
def test_any_item_of_a_run_is_claimed_or_held(table: Table, item: Item) -> None:
    replace(table, RUN_KEY, item)
    with OnlyOurErrors():
        analyses(table).claim(research.request(), "BATCH#vsfb_1")
