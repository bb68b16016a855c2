"""Each invariant of the document flow raises if what it forbids is there."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto.sqs.models import Message

from local.standins.openai import Store
from tests.faults import document_invariants as invariants
from tests.faults.deployed import Execution
from tests.faults.document_invariants import Found
from tests.faults.documents import DeadLetters, Ingest
from tests.faults.world import NewWorld, worlds

pytestmark = pytest.mark.faults

Plant = Callable[[Any], object]  # given all that was found, changes it or makes another


@pytest.fixture(scope="module")
def new_world() -> Iterator[NewWorld]:
    with worlds(DeadLetters.config) as make:
        yield make


@pytest.fixture(scope="module")
def ingested(new_world: NewWorld) -> tuple[Found, list[dict[str, Any]]]:
    """What is there when nothing went wrong, and what was asked for."""
    world, scenario = new_world(), Ingest()
    scenario.prepare(world)
    scenario.run(world)
    return invariants.find(world), list(scenario.requests(world))


@pytest.fixture(scope="module")
def given_up(new_world: NewWorld) -> Found:
    """What is there when much was given up rightly."""
    world, scenario = new_world(), DeadLetters()
    scenario.prepare(world)
    scenario.run(world)
    return invariants.find(world)


def test_all_that_there_is_can_be_found(
    ingested: tuple[Found, list[dict[str, Any]]], given_up: Found
) -> None:
    found, _ = ingested
    assert [len(each) for each in (found.ledger, found.attachments, found.files)] == [3, 3, 3]
    assert [len(each) for each in (found.started, found.executions, found.batches)] == [2, 2, 2]
    assert [len(each) for each in (found.runs, found.newest, found.stores)] == [2, 2, 1]
    assert found.asked_for_analyses == 2
    assert {queue: len(letters) for queue, letters in given_up.letters.items()} == {
        invariants.DOWNLOAD_LETTERS: 1,
        invariants.ANALYSIS_LETTERS: 0,
        invariants.FLOW_LETTERS: 2,
    }
    assert len(given_up.reasons) == 1


def letter(body: str = "{}") -> Message:
    return Message("message-1", body)


def first(mapping: Any) -> Any:
    return next(iter(mapping.values()))


def ran(name: str, *, error: str = "") -> Execution:
    return Execution(arn=name, name=name, input={}, started=0, ended=0, error=error)


def attach_twice(found: Found) -> None:
    attachments = first(found.stores).attachments
    attachments["file-again"] = first(attachments)


def watch_twice(found: Found) -> Found:
    execution = found.executions[0]
    batches = {**found.batches, "vsfb_2": found.batches[execution.name]}
    executions = [*found.executions, replace(execution, name="vsfb_2")]
    started = [*found.started, "vsfb_2"]
    return replace(found, batches=batches, executions=executions, started=started)


def another_store(found: Found) -> Found:
    name = first(found.stores).name
    second = Store(id="vs_2", name=name, created_at=1, last_active_at=1, metadata={})
    return replace(found, stores={**found.stores, "vs_2": second})


def analysed_alone(found: Found) -> Found:
    run = found.runs[0]
    alone = {**run, "sk": run["sk"].replace("#BATCH#", "#MESSAGE#")}
    return replace(found, runs=[*found.runs, alone])


def check_all(found: Found, asked: list[dict[str, Any]]) -> None:
    invariants.nothing_is_under_way(found)
    invariants.no_letter_is_dead(found, {})
    invariants.every_letter_has_its_reason(found)
    invariants.every_request_is_handed_over(found, asked)
    invariants.every_document_is_attached_once(found)
    invariants.every_document_was_watched_once(found)
    invariants.every_failed_file_is_known(found)
    invariants.every_batch_is_analysed_once(found)
    invariants.no_run_is_left_in_hand(found)
    invariants.no_analysis_was_paid_for_twice(found, lost_answers=0)
    invariants.no_file_belongs_to_nothing(found)


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lambda f: f.waiting.append(letter()), "still in their queues"),
        (lambda f: f.started.append("never-run"), "started .*never-run"),
        (lambda f: f.letters[invariants.DOWNLOAD_LETTERS].append(letter()), "letters: .*download"),
        (lambda f: f.letters[invariants.ANALYSIS_LETTERS].append(letter()), "letters: .*market"),
        (lambda f: f.letters[invariants.FLOW_LETTERS].append(letter()), "letters: .*vectorStore"),
        (lambda f: f.ledger.popitem(), "has 0 entries"),
        (lambda f: f.ledger.update(again=first(f.ledger)), "has 2 entries"),
        (lambda f: first(f.ledger).update(status="WORKING"), "is WORKING"),
        (lambda f: first(f.ledger).update(failure="told to"), "told to after it was done"),
        (attach_twice, "is attached 2 times"),
        (lambda f: first(f.stores).attachments.popitem(), "is attached 0 times"),
        (lambda f: first(f.ledger)["upload"].update(file_id="file-2"), "the ledger says file-2"),
        (lambda f: setattr(first(f.stores), "name", "another"), "is attached to another"),
        (lambda f: first(f.ledger)["batch"].update(vector_store_id="vs_2"), "in another store"),
        (another_store, "there are .*vs_2"),
        (lambda f: setattr(first(f.stores), "expires_at", 1), r"there are \[\]"),
        (watch_twice, "watched by two executions"),
        (lambda f: first(f.ledger)["batch"].update(batch_id="vsfb_2"), "nobody watched vsfb_2"),
        (lambda f: first(f.batches).attachments.popitem(), "is not in the batch"),
        (lambda f: f.executions[0].input.update(vectorStoreId="vs_2"), "its store"),
        (lambda f: f.executions[0].input["context"].update(type="x"), "watched for somebody else"),
        (lambda f: f.runs.pop(), "not analysed"),
        (lambda f: f.runs[0].update(status="WORKING"), "not analysed"),
        (lambda f: f.runs.append({**f.runs[0], "sk": "S#BATCH#2"}), "without a batch"),
        (lambda f: f.runs.append(f.runs[0]), "without a batch"),
        (analysed_alone, "analysed: .*MESSAGE"),
        (lambda f: f.runs[0].update(version=2), "versions"),
        (lambda f: f.newest[0].update(version=2), "is not the newest"),
        (lambda f: f.newest[0].update(analysis={}), "is another analysis"),
        (lambda f: f.newest.pop(), "newest: "),
        (lambda f: f.runs.append({**f.runs[0], "status": "WORKING"}), "still in hand"),
        (lambda f: replace(f, asked_for_analyses=3), "asked 3 times for 2"),
        (lambda f: f.files.update(orphan=first(f.files)), "belong to nothing"),
        (lambda f: f.files.popitem(), "are missed"),
    ],
)
def test_what_is_forbidden_is_seen(
    ingested: tuple[Found, list[dict[str, Any]]], plant: Plant, message: str
) -> None:
    before, asked = ingested
    check_all(before, asked)
    found = copy.deepcopy(before)

    made = plant(found)

    with pytest.raises(AssertionError, match=message):
        check_all(made if isinstance(made, Found) else found, asked)


def change(message: Message, **changes: Any) -> None:
    message.body = json.dumps(json.loads(message.body) | changes)


def flow_letter(found: Found) -> Message:
    return found.letters[invariants.FLOW_LETTERS][0]


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lambda f: f.reasons.clear(), "nobody knows why"),
        (lambda f: first(f.reasons).update(reason=""), "nobody knows why"),
        (lambda f: change(flow_letter(f), error=""), "without its error"),
        (lambda f: change(flow_letter(f), cause=""), "without its cause"),
        (lambda f: change(flow_letter(f), input={"batchId": ""}), "without its batch"),
        (lambda f: change(flow_letter(f), executionArn="arn"), "failed: .*kept: "),
        (lambda f: f.letters[invariants.FLOW_LETTERS].pop(), "failed: .*kept: "),
        (lambda f: f.executions.append(ran("silent", error="BatchFailed")), "failed: .*silent"),
    ],
)
def test_a_letter_without_its_reason_is_seen(given_up: Found, plant: Plant, message: str) -> None:
    invariants.every_letter_has_its_reason(given_up)
    found = copy.deepcopy(given_up)

    plant(found)

    with pytest.raises(AssertionError, match=message):
        invariants.every_letter_has_its_reason(found)


@pytest.mark.parametrize("recorded", [{}, {"code": "server_error", "batchId": "vsfb_2"}])
def test_a_file_that_failed_and_nobody_knows_why_is_seen(
    given_up: Found, recorded: dict[str, str]
) -> None:
    invariants.every_failed_file_is_known(given_up)
    found = copy.deepcopy(given_up)

    for entry in found.ledger.values():
        entry["fileFailure"] = recorded  # type: ignore[index]

    with pytest.raises(AssertionError, match="third-quarter"):
        invariants.every_failed_file_is_known(found)
