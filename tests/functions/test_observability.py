"""What an invocation logs and counts, and that it is its own."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions import observability
from functions.errors import BatchPending
from functions.metrics import Metric
from functions.observability import count, describe, logger, observed
from tests.functions.conftest import LogLines
from tests.functions.invocations import Context


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Counts and logs what the event says."""
    for name, times in event.get("counts", {}).items():
        for _ in range(times):
            count(Metric(name))
    for line in event.get("lines", []):
        logger().info(line.pop("message"), extra=line)
    if "error" in event:
        raise BatchPending(event["error"])
    return event


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The metrics that were written since the last call."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_an_invocation_counted_is_written_when_it_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert handler({"counts": {"FilesFailed": 2, "RecordsFailed": 1}}, Context()) is not None

    [metrics] = written(capsys)
    assert sum(metrics["FilesFailed"]) == 2
    assert sum(metrics["RecordsFailed"]) == 1
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "openai-batch-flows"
    assert {metric["Unit"] for metric in directive["Metrics"]} == {"Count"}


def test_an_invocation_that_counted_nothing_writes_nothing_and_warns_of_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler({}, Context())

    assert written(capsys) == []


def test_counts_are_of_their_own_invocation(capsys: pytest.CaptureFixture[str]) -> None:
    handler({"counts": {"FilesFailed": 2}}, Context())
    handler({"counts": {"RecordsFailed": 1}}, Context())

    first, second = written(capsys)
    assert "RecordsFailed" not in first
    assert "FilesFailed" not in second


def test_counts_of_an_invocation_that_failed_are_written_and_its_error_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(BatchPending, match="in_progress"):
        handler({"counts": {"FilesFailed": 1}, "error": "vsfb_1 is in_progress"}, Context())

    [metrics] = written(capsys)
    assert sum(metrics["FilesFailed"]) == 1


@pytest.mark.parametrize("times", [100, 250])
def test_no_count_is_lost_however_many_there_are(
    capsys: pytest.CaptureFixture[str], times: int
) -> None:
    handler({"counts": {"FilesFailed": times}}, Context())

    assert sum(sum(metrics["FilesFailed"]) for metrics in written(capsys)) == times


class Unguarded:
    """Metrics that notice a second thread while the first is still adding."""

    def __init__(self) -> None:
        self.inside = 0
        self.met = False

    def add_metric(self, **_: object) -> None:
        self.inside += 1
        self.met = self.met or self.inside > 1
        time.sleep(0.001)
        self.inside -= 1


def test_threads_count_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    unguarded, together = Unguarded(), threading.Barrier(8)
    monkeypatch.setattr(observability, "metrics", lambda: unguarded)

    def add(_: int) -> None:
        together.wait()
        count(Metric.RECORDS_FAILED)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))

    assert not unguarded.met, "Powertools loses what two threads add at once"


def test_a_log_line_carries_its_invocation_and_its_function(logged: LogLines) -> None:
    handler({"lines": [{"message": "one", "batch_id": "vsfb_1"}]}, Context("invocation-1"))
    handler({"lines": [{"message": "two"}]}, Context("invocation-2"))

    first, second = logged()
    assert (first["message"], first["batch_id"]) == ("one", "vsfb_1")
    assert (first["function_request_id"], first["function_name"]) == (
        "invocation-1",
        "function-under-test",
    )
    assert second["function_request_id"] == "invocation-2"
    assert "batch_id" not in second, "a line's fields are its own"


def test_a_line_that_a_worker_thread_logs_carries_the_invocation_too(logged: LogLines) -> None:
    @observed
    def threaded(_event: dict[str, Any], _context: object) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(logger().info, "from a thread").result()

    threaded({}, Context("invocation-3"))

    [line] = logged()
    assert line["function_request_id"] == "invocation-3"


def test_an_error_is_described_by_its_kind_and_its_text() -> None:
    assert describe(BatchPending("vsfb_1 is in_progress")) == {
        "error": "BatchPending",
        "detail": "vsfb_1 is in_progress",
    }
