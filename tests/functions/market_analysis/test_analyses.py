"""The newest analysis of each subject, and what each batch added to it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.clients.dynamodb import Item, Key, Table
from functions.clients.openai import Hit
from functions.errors import LeaseLostError
from functions.market_analysis.analyses import Analyses
from tests.functions.market_analysis.conftest import Clock, Hire
from tests.functions.market_analysis.requests import analysis, file_ids, hits, request

RUN = "BATCH#vsfb_1"
NEWEST = {"pk": "DOMAIN#example.com", "sk": "CUSTOMER#customer.example#SUBJECT#competitor"}


def newest(table: Table, key: Key = NEWEST) -> Item:
    item = table.get(key)
    assert item is not None
    return item


def stored(worker: Analyses, run: str, *found: str, **changes: Any) -> int:
    """Claim a run and store what it found; the version."""
    assert worker.claim(request(**changes), run)
    return worker.store(request(**changes), run, analysis(*found), hits(*found))


def test_an_analysis_is_kept_with_the_requests_identity_and_its_sources(
    hire: Hire, clock: Clock, table: Table
) -> None:
    assert stored(hire("worker"), RUN, "a", vectorStoreId="vs_1") == 1

    item = newest(table)
    assert item == NEWEST | {
        "requestedAt": None,
        "legalName": "Example AG",
        "domain": "example.com",
        "customerDomain": "customer.example",
        "subjectType": "competitor",
        "industries": ["solar"],
        "markets": ["Germany"],
        "vectorStoreId": "vs_1",
        "batchId": "vsfb_1",
        "analysis": analysis("a").model_dump(),
        "sources": [{"file_id": "a", "filename": "a.md", "url": "https://a"}],
        "version": 1,
        "analysedAt": int(clock.now),
    }


def test_a_file_that_was_found_by_several_passages_is_one_source(hire: Hire, table: Table) -> None:
    stored(hire("worker"), RUN, "a", "b", "a")

    assert file_ids(newest(table)["sources"]) == ["a", "b"]


def test_a_second_batch_raises_the_version_and_keeps_the_formers_sources(
    hire: Hire, table: Table
) -> None:
    worker = hire("worker")
    assert stored(worker, "BATCH#1", "a", "b", batchId="1") == 1
    assert stored(worker, "BATCH#2", "c", "b", batchId="2") == 2

    item = newest(table)
    assert (item["version"], item["batchId"]) == (2, "2")
    assert file_ids(item["sources"]) == ["c", "b", "a"], "the newest first, each once"
    first, second = (
        newest(table, NEWEST | {"sk": f"{NEWEST['sk']}#BATCH#{number}"}) for number in (1, 2)
    )
    assert (first["version"], file_ids(first["sources"])) == (1, ["a", "b"])
    assert (second["version"], file_ids(second["sources"])) == (2, ["c", "b"])


def test_sources_of_any_length_never_outgrow_an_item(hire: Hire, table: Table) -> None:
    worker = hire("worker")
    for batch in range(10):
        found = [
            Hit(
                file_id=f"file-{batch:011}{number:011}",
                filename=f"{batch}-{number}".ljust(200, "x"),
                url="https://example.com/".ljust(512, "ä" if batch % 2 else "x"),
            )
            for number in range(50)
        ]
        run = f"BATCH#{batch}"
        assert worker.claim(request(), run)
        assert worker.store(request(), run, analysis(), found) == batch + 1

    kept = file_ids(newest(table)["sources"])
    assert kept[0] == f"file-{9:011}{0:011}"
    assert len(kept) > 200


@pytest.mark.parametrize(
    "other",
    [
        {"customerDomain": "another.example"},
        {"subjectType": "customer"},
        {"domain": "another.example"},
    ],
    ids=["customer", "kind of subject", "subject"],
)
def test_requesters_who_share_a_batch_each_get_their_own(
    hire: Hire, table: Table, other: dict[str, str]
) -> None:
    worker = hire("worker")

    assert stored(worker, RUN, "a") == 1
    assert stored(worker, RUN, "b", **other) == 1

    assert file_ids(newest(table)["sources"]) == ["a"]


class MeetingTable(Table):
    """A table of which each reader first sees the newest analysis when the other has, too."""

    def __init__(self, table: Table, readers: int) -> None:
        super().__init__(table._client, table.name)
        self._together = threading.Barrier(readers)
        self._met = threading.local()

    def get(self, key: Key) -> Item | None:
        item = super().get(key)
        if key == NEWEST and not hasattr(self._met, "done"):
            self._met.done = True
            self._together.wait(10)
        return item


@pytest.mark.parametrize("former", [0, 1], ids=["the first two", "two more"])
def test_batches_that_are_stored_at_once_lose_nothing_of_each_other(
    hire: Hire, table: Table, former: int
) -> None:
    for _ in range(former):
        stored(hire("earlier"), "BATCH#0", "z", batchId="0")
    meeting = MeetingTable(table, readers=2)

    def store(name: str) -> int:
        return stored(hire(f"worker-{name}", meeting), f"BATCH#{name}", name, batchId=name)

    with ThreadPoolExecutor(2) as pool:
        versions = list(pool.map(store, ["a", "b"]))

    assert sorted(versions) == [former + 1, former + 2]
    item = newest(table)
    assert item["version"] == former + 2
    assert set(file_ids(item["sources"])) == {"a", "b", *(["z"] * former)}


def test_a_subject_that_others_write_each_time_is_given_up_and_can_be_taken_again(
    hire: Hire, table: Table
) -> None:
    class BusyTable(Table):
        """A table in which the newest analysis changes whenever it is read."""

        def get(self, key: Key) -> Item | None:
            item = super().get(key)
            if key == NEWEST:
                version = int(item["version"]) + 1 if item else 1
                self.put({**NEWEST, "version": version, "sources": []})
            return item

    worker = hire("worker", BusyTable(table._client, table.name))
    worker.claim(request(), RUN)

    with pytest.raises(LeaseLostError):
        worker.store(request(), RUN, analysis("a"), hits("a"))

    worker.release(request(), RUN)
    assert stored(hire("second"), RUN, "a") > 1
