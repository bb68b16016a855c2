"""The table of the fault schedule."""

import pytest

from tests.faults.report import counts, markdown, rows
from tests.faults.schedule import Case, Outcome, cases, one_fault_each
from tests.faults.seam import Fault, Point, faults_of

pytestmark = pytest.mark.faults

PUT, GET, BODY = "dynamodb.put_item", "web.get", "s3.get_object.body"


def outcome(call: str, number: int, fault: Fault, problem: str = "") -> Outcome:
    return Outcome(case=Case(Point("ingest", call, number), fault), problem=problem)


def test_a_row_counts_the_points_of_a_call_and_how_many_survived_each_fault() -> None:
    found = [
        outcome(PUT, 1, Fault.TIMEOUT),
        outcome(PUT, 2, Fault.TIMEOUT, "lost a message"),
        outcome(PUT, 1, Fault.THROTTLE),
        outcome(GET, 1, Fault.TIMEOUT),
    ]

    put, get = rows(found)

    assert (put.call, put.points) == (PUT, 2)
    assert put.survived == {Fault.TIMEOUT: "1 of 2", Fault.THROTTLE: "1"}
    assert get.cells() == ["ingest", GET, "1", "-", "-", "1", "-", "-", "-", "-"]
    assert counts(found) == "2 calls at 3 points, 7 faults, 4 cases: 3 survived, 1 did not."


def test_the_markdown_has_a_line_for_each_row() -> None:
    text = markdown([outcome(PUT, 1, Fault.CRASH_BEFORE)])

    assert text.splitlines()[0].startswith("| function | call | points | crash before | crash")
    assert text.splitlines()[2:] == [f"| `ingest` | `{PUT}` | 1 | 1 | - | - | - | - | - | - |"]


def test_every_fault_is_tried_at_every_call_where_it_can_happen() -> None:
    found = [Point("ingest", PUT, 1), Point("ingest", PUT, 2), Point("ingest", GET, 1)]

    chosen = cases(found)

    assert len(chosen) == 2 * len(Fault) + 5
    assert set(faults_of(GET)) == set(Fault) - {Fault.LOST_ANSWER, Fault.SENT_AGAIN}
    assert set(faults_of(BODY)) == {Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.TIMEOUT}


def test_the_short_form_tries_each_call_once_and_all_faults_in_turn() -> None:
    found = [Point("ingest", f"dynamodb.{n}", number) for n in range(7) for number in (1, 2)]

    chosen = one_fault_each(found)

    assert [each.point.number for each in chosen] == [1] * 7
    assert {each.fault for each in chosen} == set(Fault)
