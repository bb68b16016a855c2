"""What the check counts: Lambda counts a batch that is still under way among its errors."""

import json
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from openai import OpenAI

from functions.clients.secrets import Secret
from functions.errors import BatchFailed, BatchPending, InvalidMessageError, OpenAIUnavailableError
from functions.vector_store_batch import handler as module
from functions.vector_store_batch.handler import handler
from local.standins.openai import BatchPlan, Fault, OpenAIStandIn
from tests.functions.conftest import API_KEY, LogLines, MakeTable
from tests.functions.invocations import Context


@pytest.fixture(autouse=True)
def environment(
    monkeypatch: pytest.MonkeyPatch, secret: Secret, standin: OpenAIStandIn, make_table: MakeTable
) -> Iterator[None]:
    for name, value in {
        "OPENAI_API_KEY_SECRET_ARN": "openai-key",
        "OPENAI_BASE_URL": standin.base_url,
        "INGEST_LEDGER_TABLE": make_table("ledger").name,
    }.items():
        monkeypatch.setenv(name, value)
    module._collaborators.cache_clear()
    yield
    module._collaborators.cache_clear()


def begin(standin: OpenAIStandIn, plan: BatchPlan) -> dict[str, object]:
    """A file batch that goes as planned; what its execution has for input."""
    standin.plans.add(plan)
    with OpenAI(base_url=standin.base_url, api_key=API_KEY) as client:
        file = client.files.create(file=("a.txt", b"Some text."), purpose="assistants")
        store = client.vector_stores.create(name="news")
        batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    context = {"domain": "example.com", "type": "news"}
    return {
        "vectorStoreId": store.id,
        "vectorStoreName": "news",
        "batchId": batch.id,
        "context": context,
        "requestedAt": 1_800_000_000,
    }


Counted = Callable[[], dict[str, float]]


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Counted:
    """What invocations have counted."""

    def added_up() -> dict[str, float]:
        total: Counter[str] = Counter()
        for line in map(json.loads, capsys.readouterr().out.splitlines()):
            for directive in line["_aws"]["CloudWatchMetrics"]:
                total.update({one["Name"]: sum(line[one["Name"]]) for one in directive["Metrics"]})
        return dict(total)

    return added_up


def test_each_check_of_a_batch_counts_and_one_under_way_is_no_failure(
    standin: OpenAIStandIn, counted: Counted, logged: LogLines
) -> None:
    event = begin(standin, BatchPlan(polls=2))
    for _ in range(2):
        with pytest.raises(BatchPending):
            handler(event, Context())

    checked = handler(event, Context())

    assert checked["requestedAt"] == 1_800_000_000
    assert counted() == {"FileBatchChecks": 3, "FileBatchesCompleted": 1}
    assert {line["batch_id"] for line in logged()} == {event["batchId"]}
    assert [line["status"] for line in logged()] == ["in_progress", "in_progress", "completed"]


def test_a_batch_that_failed_counts_as_that(standin: OpenAIStandIn, counted: Counted) -> None:
    event = begin(standin, BatchPlan(polls=0, status="failed"))
    with pytest.raises(BatchFailed):
        handler(event, Context())

    assert counted() == {"FileBatchChecks": 1, "FileBatchesFailed": 1, "FilesFailed": 1}


def test_a_check_that_could_not_say_counts_as_a_failure(
    standin: OpenAIStandIn, counted: Counted
) -> None:
    event = begin(standin, BatchPlan(polls=0))
    standin.faults.add(Fault(operation="vector_stores.file_batches.retrieve", status=500))
    with pytest.raises(OpenAIUnavailableError):
        handler(event, Context())
    with pytest.raises(InvalidMessageError):
        handler({}, Context())

    assert counted() == {"FileBatchChecks": 2, "CheckFailures": 2}
