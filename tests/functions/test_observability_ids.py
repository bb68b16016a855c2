"""Whose ids a log line has, and whose it has not."""

import threading
from typing import Any

import pytest

from functions.deliveries import side_by_side
from functions.errors import BatchPending, InvalidItemError
from functions.observability import about, identify, logger, observed
from tests.functions.conftest import LogLines
from tests.functions.invocations import Context


def test_each_of_several_threads_has_the_ids_of_its_own_document(logged: LogLines) -> None:
    together = threading.Barrier(8)

    def work(number: int) -> None:
        with about("document", message_id=f"m{number}"):
            together.wait(10)
            logger().info("at work", extra={"number": number})
            together.wait(10)

    side_by_side(work, range(8))

    assert {line["number"]: line["message_id"] for line in logged()} == {
        number: f"m{number}" for number in range(8)
    }


def test_a_document_leaves_nothing_to_the_next_one_of_its_thread(logged: LogLines) -> None:
    def work(number: int) -> None:
        if number % 2:
            logger().info("without")
            return
        with about("document", message_id="m", ledger_key="k"):
            logger().info("with")
            raise InvalidItemError("broken")

    side_by_side(work, range(100))  # of more documents than threads

    for line in logged():
        ids = {"message_id", "ledger_key"} & line.keys()
        assert ids == ({"message_id", "ledger_key"} if line["message"] == "with" else set())


def test_what_is_inside_something_else_has_the_ids_of_both(logged: LogLines) -> None:
    with about("document", message_id="m", batch_id="outer"):
        with about("batch", batch_id="inner", vector_store_id=None):
            logger().info("inside")
        logger().info("outside")

    inside, outside = logged()
    assert (inside["message_id"], inside["batch_id"]) == ("m", "inner")
    assert "vector_store_id" not in inside, "an id that there is not is left out"
    assert (outside["message_id"], outside["batch_id"]) == ("m", "outer")


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """One invocation about one batch, which works on it in threads."""
    if "batch" in event:
        identify(batch_id=event["batch"], execution=None)
    side_by_side(lambda _: logger().info("in a thread"), [None])
    if "error" in event:
        raise event["error"]


def test_every_thread_of_an_invocation_has_its_ids_and_the_next_invocation_has_not(
    logged: LogLines,
) -> None:
    handler({"batch": "b1"}, Context("one"))
    handler({}, Context("two"))

    one, two = logged()
    assert (one["batch_id"], one["function_request_id"]) == ("b1", "one")
    assert "execution" not in one
    assert "batch_id" not in two


def test_an_invocation_that_fails_says_so_with_its_ids(logged: LogLines) -> None:
    with pytest.raises(InvalidItemError):
        handler({"batch": "b1", "error": InvalidItemError("broken")}, Context())

    [_, line] = logged()
    assert (line["level"], line["batch_id"]) == ("ERROR", "b1")
    assert (line["error"], line["detail"]) == ("InvalidItemError", "broken")
    assert "exception" not in line, "what we say ourselves needs no traceback"


def test_a_defect_comes_with_its_traceback(logged: LogLines) -> None:
    with pytest.raises(ZeroDivisionError):
        handler({"error": ZeroDivisionError("oh")}, Context())

    assert "Traceback" in logged()[-1]["exception"]


def test_a_batch_that_is_still_under_way_is_no_failure(logged: LogLines) -> None:
    with pytest.raises(BatchPending):
        handler({"error": BatchPending("not yet")}, Context())

    assert [line["level"] for line in logged()] == ["INFO"]
