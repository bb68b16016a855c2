"""The handlers of listing, collecting and finishing, as the state machine calls them."""

from collections.abc import Iterator

import boto3
import pytest

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions.entities import ReceiptWordLabel, iso
from functions.completions.handlers import collect, finish, list_pending
from functions.completions.vocabulary import BatchStatus
from functions.errors import CountsDisagreeError, InvalidMessageError
from local.standins.openai import JobPlan, OpenAIStandIn
from tests.functions.completions.collection.pending_batches import PendingBatches, request
from tests.functions.conftest import API_KEY, LogLines
from tests.functions.invocations import Context


@pytest.fixture
def batches(
    label_table: Table,
    bucket: Bucket,
    jobs: BatchJobs,
    standin: OpenAIStandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[PendingBatches]:
    arn = boto3.client("secretsmanager").create_secret(Name="key", SecretString=API_KEY)["ARN"]
    for name, value in {
        "OPENAI_API_KEY_SECRET_ARN": arn,
        "OPENAI_BASE_URL": standin.base_url,
        "LABEL_TABLE": label_table.name,
        "BATCH_BUCKET": bucket.name,
        "COMPLETION_POLL_MAX_BATCHES": "2",
        "COMPLETION_VALIDATING_TIMEOUT_SECONDS": "300",
        "PROJECTION_ENABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    collaborators = (list_pending._collaborators, collect._collaborators, finish._table)
    for made in collaborators:
        made.cache_clear()
    yield PendingBatches(table=label_table, bucket=bucket, jobs=jobs, standin=standin)
    for made in collaborators:
        made.cache_clear()


def marked() -> dict[str, object]:
    """A label whose word Pinecone does not show."""
    [target] = request(1, ["DATE"]).targets
    return ReceiptWordLabel(
        id=target, timestamp_added=iso(1), label_proposed_by="somebody", projection="v1"
    ).to_item()


def test_an_ended_batch_is_named_with_its_job(batches: PendingBatches) -> None:
    summary = batches.begin()

    assert list_pending.handler({}, Context()) == {
        "batches": [
            {"batchId": summary.batch_id, "openaiBatchId": summary.openai_batch_id},
        ],
        "unprojected": False,
    }


def test_the_limit_is_that_of_the_environment(batches: PendingBatches) -> None:
    for _ in range(3):
        batches.begin()

    assert len(list_pending.handler({}, Context())["batches"]) == 2


def test_one_job_is_looked_after_if_it_is_named(batches: PendingBatches) -> None:
    _, wanted = batches.begin(), batches.begin()

    found = list_pending.handler({"openaiBatchId": wanted.openai_batch_id}, Context())

    assert [batch["batchId"] for batch in found["batches"]] == [wanted.batch_id]


def test_a_job_of_another_stack_is_nothing_to_do_and_no_trouble(
    batches: PendingBatches, logged: LogLines
) -> None:
    """OpenAI's webhooks tell of every job of the project's."""
    batches.begin()

    found = list_pending.handler({"openaiBatchId": "batch_of_somebody_else"}, Context())

    assert found == {"batches": [], "unprojected": False}
    assert batches.standin.calls.count("batches.retrieve") == 0
    assert logged() == []


def test_an_idle_run_says_that_there_is_nothing(batches: PendingBatches) -> None:
    batches.begin(plan=JobPlan(in_progress=None))

    assert list_pending.handler({}, Context()) == {"batches": [], "unprojected": False}


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_words_that_wait_to_be_projected_are_told_of_where_there_is_a_projection(
    batches: PendingBatches, monkeypatch: pytest.MonkeyPatch, enabled: str
) -> None:
    monkeypatch.setenv("PROJECTION_ENABLED", enabled)
    batches.table.put(marked())

    found = list_pending.handler({}, Context())

    assert found == {"batches": [], "unprojected": enabled == "true"}


@pytest.mark.parametrize("event", [{"openaiBatchId": 7}, {"openaiBatchId": ""}])
def test_another_input_is_refused(batches: PendingBatches, event: dict[str, object]) -> None:
    with pytest.raises(InvalidMessageError, match="openaiBatchId"):
        list_pending.handler(event, Context())


def test_what_listing_gives_collecting_takes(batches: PendingBatches) -> None:
    summary = batches.begin(2)
    [event] = list_pending.handler({}, Context())["batches"]

    assert collect.handler(event, Context()) == {
        "batchId": summary.batch_id,
        "bucket": "batches",
        "chunksKey": f"batches/{summary.batch_id}/chunks.json",
        "chunks": 1,
    }
    assert batches.chunks(summary) == [{"batchId": summary.batch_id, "chunk": "00001"}]


def test_what_collecting_gives_finishing_takes(batches: PendingBatches) -> None:
    summary = batches.begin(2, target_count=0)
    event = collect.handler({"batchId": summary.batch_id, "openaiBatchId": "batch_1"}, Context())

    assert finish.handler(event, Context()) == {"outcome": "done"}
    assert batches.now(summary).status is BatchStatus.COMPLETED


def test_a_batch_without_its_outcomes_is_not_done(batches: PendingBatches) -> None:
    summary = batches.begin(2)

    with pytest.raises(CountsDisagreeError):
        finish.handler({"batchId": summary.batch_id}, Context())


def test_a_batch_must_be_named(batches: PendingBatches) -> None:
    for handler in (collect.handler, finish.handler):
        with pytest.raises(InvalidMessageError, match="batchId"):
            handler({}, Context())


def test_the_lines_of_a_batch_name_it_with_its_job_and_its_execution(
    batches: PendingBatches, logged: LogLines
) -> None:
    summary = batches.begin()

    collect.handler({"batchId": summary.batch_id, "execution": "webhook-1"}, Context())

    [line] = logged()
    assert line["message"] == "batch collected"
    assert (line["batch_id"], line["execution"]) == (summary.batch_id, "webhook-1")
    assert line["openai_batch_id"] == summary.openai_batch_id
