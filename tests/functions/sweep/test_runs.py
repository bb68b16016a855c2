"""A run of the sweep: over all pages, within its time, past what fails."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from openai import OpenAI

from functions.clients import calls, openai_files
from functions.clients.dynamodb import Table
from functions.errors import (
    AwsUnavailableError,
    InvalidItemError,
    OpenAIRejectedError,
    OpenAIUnavailableError,
)
from functions.sweep.sweeping import Swept
from local.standins.openai import ApiRequest, Fault, OpenAIStandIn
from tests.functions.conftest import LogLines
from tests.functions.ingest.conftest import Clock
from tests.functions.sweep.conftest import DAY, KEY, LEDGER, Sweeper

Upload = Callable[..., str]


def of(file_id: str) -> Callable[[ApiRequest], bool]:
    return lambda request: file_id in request.path


def key(number: int) -> str:
    return f"{number:064x}"


@pytest.fixture
def calls_made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all calls, as they are made."""
    names: list[str] = []
    real = calls.call

    def noted(name: str, request: Callable[[], object]) -> object:
        names.append(name)
        return real(name, request)

    monkeypatch.setattr(calls, "call", noted)
    return names


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_files, "_PAGE", 3)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    "orphans",
    [{0}, {2}, {9}, {2, 3}, {0, 1, 2}, {2, 5, 8}, {3, 4, 5, 9}, set(range(10)), set()],
    ids=str,
)
def test_every_page_is_seen_though_files_go_meanwhile(
    upload: Upload, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock, orphans: set[int]
) -> None:
    ids = [
        upload(key=key(number)) if number in orphans else upload(name=f"{number}.md")
        for number in range(10)
    ]
    clock.now += DAY
    assert sweeper.run() == Swept(deleted=len(orphans), remaining=False)
    assert list(standin.files) == [ids[number] for number in range(10) if number not in orphans]
    assert standin.calls.count("files.delete") == len(orphans)
    assert sweeper.position is None


@pytest.mark.usefixtures("small_pages")
def test_a_run_ends_in_time_and_the_next_goes_on_where_it_ended(
    upload: Upload,
    standin: OpenAIStandIn,
    sweeper: Sweeper,
    clock: Clock,
    calls_made: list[str],
) -> None:
    others = [upload(name=f"{number}.md") for number in range(4)]
    orphans = [upload(key=key(number)) for number in range(4)]
    clock.now += DAY

    assert sweeper.run(files=6) == Swept(deleted=2, remaining=True)
    assert sweeper.position == others[-1]
    assert [*others, *orphans[2:]] == list(standin.files)

    calls_made.clear()
    assert sweeper.run() == Swept(deleted=2, remaining=False)
    assert list(standin.files) == others
    # What was kept before is not listed again, and the one item more is the position.
    assert calls_made.count("openai.files.list") == 1
    assert calls_made.count("dynamodb.get_item") == 1 + 2
    assert sweeper.position is None


def test_no_file_is_begun_without_time(
    upload: Upload, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    upload()
    clock.now += DAY
    assert sweeper.run(files=0) == Swept(deleted=0, remaining=True)
    assert len(standin.files) == 1


def test_a_run_whose_place_has_gone_starts_over(
    upload: Upload, openai_client: OpenAI, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    others = [upload(name=f"{number}.md") for number in range(3)]
    orphan = upload()
    clock.now += DAY
    assert sweeper.run(files=2).remaining
    assert sweeper.position == others[1]
    openai_client.files.delete(others[1])

    assert sweeper.run() == Swept(deleted=1, remaining=False)
    assert orphan not in standin.files


def test_a_refusal_is_not_taken_for_a_place_that_has_gone(
    upload: Upload, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    others = [upload(name=f"{number}.md") for number in range(3)]
    clock.now += DAY
    sweeper.run(files=2)
    standin.faults.add(Fault(operation="files.list", status=403, times=None))
    with pytest.raises(OpenAIRejectedError):
        sweeper.run()
    assert standin.calls.count("files.list", status=403) == 2
    assert len(others) == len(standin.files)


@pytest.mark.parametrize("status", [400, 403])
def test_a_file_that_cannot_be_deleted_stops_no_other_and_fails_the_run(
    upload: Upload,
    standin: OpenAIStandIn,
    sweeper: Sweeper,
    clock: Clock,
    logged: LogLines,
    status: int,
) -> None:
    ids = [upload(key=key(number)) for number in range(3)]
    clock.now += DAY
    refused = Fault(operation="files.delete", status=status, when=of(ids[1]))
    standin.faults.add(refused)
    with pytest.raises(OpenAIRejectedError):
        sweeper.run()
    assert list(standin.files) == [ids[1]]
    [line] = [line for line in logged() if line["level"] == "ERROR"]
    assert (line["file_id"], line["error"]) == (ids[1], "OpenAIRejectedError")

    assert sweeper.run() == Swept(deleted=1, remaining=False)


def test_a_request_that_cannot_be_read_keeps_its_file_stops_no_other_and_fails_the_run(
    upload: Upload, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock, table: Table
) -> None:
    kept = [upload(key=key(number)) for number in range(4)]
    lease = {"status": "WORKING", "leaseOwner": "worker", "leaseUntil": 0}
    broken_items: list[Mapping[str, object]] = [
        {**lease, "upload": {}},
        {**lease, "formerUpload": "gone"},
        {**lease, "status": "HANDED_OVER"},
        {},
    ]
    for number, broken in enumerate(broken_items):
        table.put({"pk": f"REQUEST#{key(number)}", "sk": "REQUEST", **broken})
    upload(key=key(4))
    clock.now += DAY
    with pytest.raises(InvalidItemError, match=key(0)):
        sweeper.run()
    assert list(standin.files) == kept


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="files.delete", status=429),
        Fault(operation="files.delete", status=500),
        Fault(operation="files.delete", drop="before"),
        Fault(operation="files.delete", malformed=True),
        Fault(operation="files.delete", drop="after"),
    ],
    ids=["429", "500", "dropped before", "cut off", "dropped after"],
)
def test_openais_trouble_ends_a_run_and_the_next_goes_on(
    upload: Upload, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock, fault: Fault
) -> None:
    ids = [upload(key=key(number)) for number in range(4)]
    other = upload(name="other.md")
    clock.now += DAY
    standin.faults.add(replace(fault, when=of(ids[1]), times=None))
    with pytest.raises(OpenAIUnavailableError):
        sweeper.run()
    assert ids[0] not in standin.files
    assert standin.calls.count("files.delete") == 2

    # A file that is in trouble for ever would otherwise hold up all that come after it.
    sweeper.run()
    assert {*ids[2:]}.isdisjoint(standin.files)
    standin.faults.clear()
    sweeper.run()
    assert list(standin.files) == [other]


def test_a_ledger_in_trouble_ends_a_run_and_deletes_nothing(
    upload: Upload,
    standin: OpenAIStandIn,
    sweeper: Sweeper,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        upload(key=key(number))
    clock.now += DAY
    real = sweeper.table.get

    def throttled(item: dict[str, str]) -> object:
        if item["pk"] == "SWEEP":
            return real(item)
        raise AwsUnavailableError("throttled")

    monkeypatch.setattr(sweeper.table, "get", throttled)
    with pytest.raises(AwsUnavailableError):
        sweeper.run()
    assert len(standin.files) == 3
    assert standin.calls.count("files.delete") == 0


def test_a_file_that_somebody_else_deleted_first_is_no_error(
    upload: Upload, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock
) -> None:
    upload()
    clock.now += DAY
    standin.faults.add(Fault(operation="files.delete", status=404))
    assert sweeper.run().deleted == 1


def test_two_runs_at_once_do_what_one_does(
    upload: Upload,
    standin: OpenAIStandIn,
    sweeper: Sweeper,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = upload(name="other.md")
    for number in range(3):
        upload(key=key(number))
    clock.now += DAY
    real, runs = calls.call, list[Swept]()

    def overtaken(name: str, request: Callable[[], object]) -> object:
        if name == "openai.files.delete" and not runs:
            runs.append(Swept(deleted=0, remaining=True))
            runs.append(sweeper.run())
        return real(name, request)

    monkeypatch.setattr(calls, "call", overtaken)
    assert not sweeper.run().remaining
    assert runs[1] == Swept(deleted=3, remaining=False)
    assert list(standin.files) == [other]


def test_each_file_is_told_of_with_the_reason(
    upload: Upload, standin: OpenAIStandIn, sweeper: Sweeper, clock: Clock, logged: LogLines
) -> None:
    file_id = upload()
    clock.now += DAY
    sweeper.run()
    [line] = [line for line in logged() if line["message"] == "file deleted"]
    assert (line["file_id"], line["reason"]) == (file_id, "no request names it")
    assert line["file_name"] == f"example-com-news.{LEDGER}-{KEY}.md"
