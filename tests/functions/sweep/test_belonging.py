"""Which files belong to something: those that stay at OpenAI, and those that are deleted."""

from collections.abc import Callable

import pytest
from openai import OpenAI

from functions.clients import calls
from functions.clients.dynamodb import Table
from functions.ingest.ledger import record_file_failure, request_key
from functions.sweep.sweeping import Swept
from local.standins.openai import BatchPlan, Fault, FileFailure, OpenAIStandIn
from tests.functions.conftest import MakeTable
from tests.functions.ingest.conftest import REFRESH_SECONDS, Clock, Worker, message, parsed
from tests.functions.sweep.conftest import DAY, KEY, LEDGER, Sweeper

REQUEST = request_key(parsed(message()))
OTHERS = [
    f"example-com.other-{LEDGER}-{KEY}.md",
    f"example-com.other.{LEDGER}-{KEY}.md",
    f"example-com.{LEDGER}-other-{KEY}.md",
    f"example-com.{LEDGER}{KEY}.md",
    f"example-com.{LEDGER[:-1]}4-{KEY}.md",
    f"example-com.{LEDGER.upper()}-{KEY}.md",
    f"example-com.{LEDGER}-{KEY[:16]}.md",
    f"example-com.{LEDGER}-{KEY[:-1]}.md",
    f"example-com.{LEDGER}-{KEY}0.md",
    f"example-com.{LEDGER}-{KEY.upper()}.md",
    f"example-com.{LEDGER}-{KEY}",
    f"example-com.{LEDGER}-{KEY}.csv",
    f"example-com.{LEDGER}-{KEY}.md.txt",
    f"example-com.{LEDGER}-{KEY}.md ",
    f"-.{LEDGER}-{KEY}.md",
    f".{LEDGER}-{KEY}.md",
    f"{LEDGER}-{KEY}.md",
    f"Example.{LEDGER}-{KEY}.md",
    f"a b.{LEDGER}-{KEY}.md",
    f"copy of example-com.{LEDGER}-{KEY}.md",
    "handbook.pdf",
]


def ingest(worker: Worker, standin: OpenAIStandIn) -> str:
    """Ingest the document, and wait for its batch; its file's id."""
    assert worker.run(message()) == []
    return wait(worker, standin)


def wait(worker: Worker, standin: OpenAIStandIn) -> str:
    """Check the newest file batch until it has ended; the id of its file."""
    batch = list(standin.file_batches.values())[-1]
    while worker.openai.file_batch(batch.store_id, batch.id).status == "in_progress":
        pass
    [file_id] = batch.attachments
    return file_id


def refresh_fails(worker: Worker, clock: Clock, *, times: int = 1) -> None:
    for _ in range(times):
        clock.now += 2 * DAY
        assert len(worker.run(message())) == 1


def test_an_upload_whose_answer_was_lost_is_deleted_when_it_is_a_day_old(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    standin.faults.add(Fault(operation="files.create", drop="after"))
    assert len(worker.run(message())) == 1
    [orphan] = standin.files
    named = ingest(worker, standin)

    clock.now += DAY - 1
    assert sweeper.run() == Swept(deleted=0, remaining=False)
    assert {orphan, named} == set(standin.files)
    clock.now += 1
    assert sweeper.run() == Swept(deleted=1, remaining=False)
    assert [named] == list(standin.files)


def test_a_file_whose_request_is_in_no_ledger_belongs_to_nothing(
    upload: Callable[..., str], standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    upload()
    clock.now += DAY
    assert sweeper.run().deleted == 1
    assert not standin.files


def test_an_upload_stays_however_long_its_request_waits(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    standin.faults.add(Fault(operation="vector_stores.file_batches.create", status=500))
    assert len(worker.run(message())) == 1
    clock.now += 30 * DAY
    assert sweeper.run().deleted == 0
    assert ingest(worker, standin) in standin.files


def test_a_document_that_was_refreshed_is_deleted_once_the_new_version_can_be_searched(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    old = ingest(worker, standin)
    clock.now += DAY
    assert worker.run(message()) == []
    assert sweeper.run().deleted == 0

    new = wait(worker, standin)
    assert sweeper.run().deleted == 1
    [store] = standin.vector_stores.values()
    assert list(store.attachments) == list(standin.files) == [new]
    assert old != new


def test_a_document_stays_while_every_refresh_of_it_fails(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    old = ingest(worker, standin)
    standin.faults.add(Fault(operation="files.create", status=500, times=3))
    refresh_fails(worker, clock, times=3)
    assert sweeper.run().deleted == 0

    # Then one is uploaded, and attached to nothing.
    standin.faults.add(Fault(operation="vector_stores.file_batches.create", status=500, times=3))
    refresh_fails(worker, clock, times=3)
    assert sweeper.run().deleted == 0
    assert len(standin.files) == 2
    [store] = standin.vector_stores.values()
    assert list(store.attachments) == [old]

    new = ingest(worker, standin)
    assert sweeper.run().deleted == 1
    assert list(standin.files) == [new]


def test_what_stays_while_refreshes_fail_is_the_last_that_was_handed_over(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    ingest(worker, standin)
    clock.now += DAY
    second = ingest(worker, standin)
    standin.faults.add(Fault(operation="files.create", status=500, times=2))
    refresh_fails(worker, clock, times=2)
    assert sweeper.run().deleted == 1
    assert list(standin.files) == [second]


def test_the_former_document_stays_when_an_upload_that_has_gone_is_forgotten(
    worker: Worker,
    standin: OpenAIStandIn,
    sweeper: Sweeper,
    clock: Clock,
    openai_client: OpenAI,
) -> None:
    old = ingest(worker, standin)
    standin.faults.add(Fault(operation="vector_stores.file_batches.create", status=500))
    refresh_fails(worker, clock)
    openai_client.files.delete(next(file for file in standin.files if file != old))
    refresh_fails(worker, clock)
    assert "upload" not in worker.entries()[0]
    assert sweeper.run().deleted == 0
    assert list(standin.files) == [old]


def entry(file_id: str) -> dict[str, object]:
    """What the ledger says of a request whose file was uploaded."""
    upload = {
        "file_id": file_id,
        "file_name": "a.md",
        "sha256": "",
        "source": "download",
        "reason": "",
        "ingested_at": "2023-11-14T22:13:20+00:00",
    }
    lease = {"status": "WORKING", "leaseOwner": "worker", "leaseUntil": 0}
    return {"pk": f"REQUEST#{KEY}", "sk": "REQUEST", **lease, "upload": upload}


@pytest.mark.parametrize(
    "plan",
    [BatchPlan(polls=0, failures=[FileFailure()]), BatchPlan(polls=0, status="cancelled")],
    ids=["failed", "cancelled"],
)
def test_a_document_stays_if_its_new_version_cannot_be_searched(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock, plan: BatchPlan
) -> None:
    old = ingest(worker, standin)
    clock.now += DAY
    standin.plans.add(plan)
    failed = ingest(worker, standin)
    clock.now += 30 * DAY
    assert sweeper.run().deleted == 0
    assert {old, failed} == set(standin.files)


def test_a_document_stays_if_its_new_version_is_in_no_store_any_more(
    worker: Worker,
    standin: OpenAIStandIn,
    sweeper: Sweeper,
    clock: Clock,
    openai_client: OpenAI,
) -> None:
    ingest(worker, standin)
    clock.now += DAY
    ingest(worker, standin)
    openai_client.vector_stores.delete(next(iter(standin.vector_stores)))
    assert sweeper.run().deleted == 0


def test_a_version_that_failed_is_no_former_document(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock, table: Table
) -> None:
    good = ingest(worker, standin)
    clock.now += DAY
    standin.plans.add(BatchPlan(polls=0, failures=[FileFailure()]))
    failed = ingest(worker, standin)
    batch = list(standin.file_batches)[-1]
    record_file_failure(table, REQUEST, batch_id=batch, code="invalid_file", message="bad")

    standin.faults.add(Fault(operation="files.create", status=500))
    refresh_fails(worker, clock)
    assert sweeper.run().deleted == 1
    assert list(standin.files) == [good]
    assert failed not in standin.files


def test_a_failure_that_is_told_late_is_of_the_version_before(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock, table: Table
) -> None:
    ingest(worker, standin)
    first_batch = next(iter(standin.file_batches))
    clock.now += DAY
    second = ingest(worker, standin)
    record_file_failure(table, REQUEST, batch_id=first_batch, code="server_error", message="late")

    standin.faults.add(Fault(operation="files.create", status=500))
    refresh_fails(worker, clock)
    assert sweeper.run().deleted == 1
    assert list(standin.files) == [second]


def test_a_refresh_under_way_keeps_the_document_though_the_last_batch_is_known(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    ingest(worker, standin)
    clock.now += REFRESH_SECONDS + DAY
    assert worker.ingest().preparation.prepare(parsed(message()))
    assert sweeper.run().deleted == 0
    assert len(standin.files) == 2


def test_a_document_stays_until_its_refresh_is_handed_over(
    worker: Worker, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock, table: Table
) -> None:
    ingest(worker, standin)
    clock.now += DAY
    ingest(worker, standin)
    request = {"pk": f"REQUEST#{REQUEST}", "sk": "REQUEST"}
    assert table.update(request, {"status": "WORKING"})
    assert sweeper.run().deleted == 0
    assert table.update(request, {"status": "HANDED_OVER"})
    assert sweeper.run().deleted == 1


def test_a_request_is_looked_up_after_its_file_was_listed(
    worker: Worker,
    standin: OpenAIStandIn,
    sweeper: Sweeper,
    clock: Clock,
    table: Table,
    upload: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file_id = upload()
    clock.now += DAY
    real = calls.call

    def named_meanwhile(name: str, request: Callable[[], object]) -> object:
        answer = real(name, request)
        if name == "openai.files.list":
            assert table.put(entry(file_id))
        return answer

    monkeypatch.setattr(calls, "call", named_meanwhile)
    assert sweeper.run().deleted == 0
    assert list(standin.files) == [file_id]


def test_what_is_not_named_exactly_as_we_name_files_is_not_ours(
    upload: Callable[..., str], standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    for name in OTHERS:
        upload(name=name)
    ours = upload()
    clock.now += 30 * DAY
    assert sweeper.run().deleted == 1
    assert ours not in standin.files
    assert [file.filename for file in standin.files.values()] == OTHERS


def test_files_of_another_purpose_are_not_looked_at(
    openai_client: OpenAI, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    name = f"example-com.{LEDGER}-{KEY}.md"
    openai_client.files.create(file=(name, b"Some text."), purpose="user_data")
    clock.now += DAY
    assert sweeper.run().deleted == 0
    assert len(standin.files) == 1


def test_a_worker_of_another_stack_loses_nothing(
    worker: Worker, standin: OpenAIStandIn, clock: Clock, sweeper: Sweeper, make_table: MakeTable
) -> None:
    standin.faults.add(Fault(operation="files.create", drop="after"))
    assert len(worker.run(message())) == 1
    ingest(worker, standin)
    clock.now += DAY
    sweeper.table = make_table(LEDGER[:-1])
    assert sweeper.run().deleted == 0
    assert len(standin.files) == 2
