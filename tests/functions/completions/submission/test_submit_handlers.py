"""``submit`` and ``reconcile`` as their schedules call them."""

from collections.abc import Iterator

import pytest

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.clients.secrets import Secret
from functions.completions.handlers import reconcile, submit
from functions.completions.vocabulary import ValidationStatus
from functions.errors import InvalidMessageError
from local.standins.openai import OpenAIStandIn
from tests.functions.completions.submission.submissions import Desk, label, receipt
from tests.functions.conftest import LogLines
from tests.functions.invocations import Context


@pytest.fixture(autouse=True)
def environment(
    monkeypatch: pytest.MonkeyPatch,
    standin: OpenAIStandIn,
    secret: Secret,
    label_table: Table,
    bucket: Bucket,
) -> Iterator[None]:
    variables = {
        "OPENAI_API_KEY_SECRET_ARN": "openai-key",
        "OPENAI_BASE_URL": standin.base_url,
        "LABEL_TABLE": label_table.name,
        "BATCH_BUCKET": bucket.name,
        "COMPLETION_MODEL": "gpt-test",
        "COMPLETION_BATCH_MAX_REQUESTS": "2",
        "COMPLETION_BATCH_MAX_BYTES": "1000000",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name in ("COMPLETION_MAX_ENQUEUED_TOKENS", "COMPLETION_MAX_COST_USD"):
        monkeypatch.delenv(name, raising=False)
    for module in (submit, reconcile):
        module._collaborators.cache_clear()
    yield
    for module in (submit, reconcile):
        module._collaborators.cache_clear()


@pytest.fixture
def desk(label_table: Table, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn) -> Desk:
    """Where three receipts wait, with a label each."""
    desk = Desk(table=label_table, bucket=bucket, jobs=jobs, standin=standin)
    desk.put(*[receipt(number) for number in (1, 2, 3)])
    desk.put(*[label(number) for number in (1, 2, 3)])
    return desk


def test_labels_are_submitted(
    desk: Desk, logged: LogLines, capsys: pytest.CaptureFixture[str]
) -> None:
    result = submit.handler({}, Context(seconds=900))

    first, second = sorted(desk.summaries(), key=lambda each: -each.request_count)
    assert result == {
        "batches": [
            {
                "batchId": batch.batch_id,
                "openaiBatchId": batch.openai_batch_id,
                "requests": batch.request_count,
                "targets": batch.target_count,
                "promptTokens": batch.prompt_tokens,
            }
            for batch in (first, second)
        ],
        "waiting": 0,
        "reason": "no label waits for a verdict",
        "budget": None,
    }
    assert [each["requests"] for each in result["batches"]] == [2, 1]
    told = [line["batch_id"] for line in logged() if line["message"] == "batch submitted"]
    assert told == [first.batch_id, second.batch_id]
    assert "CORNER" not in str(logged())
    written = capsys.readouterr().out
    assert '"LabelsSubmitted":[2.0,1.0]' in written
    assert '"BatchesSubmitted":[1.0,1.0]' in written
    # The lease outlives the function and its last call to OpenAI.
    assert all(batch.lease_until > desk.clock() + 900 + 120 for batch in (first, second))


def test_labels_that_have_no_room_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # More than a receipt, less than two.
    monkeypatch.setenv("COMPLETION_MAX_ENQUEUED_TOKENS", "3000")

    result = submit.handler({}, Context(seconds=900))

    [batch] = result["batches"]
    assert batch["requests"] == 1
    assert result["waiting"] == 2
    assert result["reason"] == f"{batch['promptTokens']} of 3000 prompt tokens are under way"
    assert '"LabelsWaiting":[2.0]' in capsys.readouterr().out


def test_labels_that_would_cost_too_much_are_not_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMPLETION_MODEL", "gpt-5.4-mini")
    monkeypatch.setenv("COMPLETION_MAX_COST_USD", "0.000001")

    result = submit.handler({}, Context(seconds=900))

    budget = result["budget"]
    assert (result["batches"], result["waiting"]) == ([], 3)
    assert (budget["maxUsd"], budget["spentUsd"]) == ("0.000001", "0")
    assert budget["wouldCostUsd"] in result["reason"]
    assert budget["atLeast"] is False
    assert '"BudgetStops":[1.0]' in capsys.readouterr().out
    assert len(desk.standin.calls) == 0
    monkeypatch.setenv("COMPLETION_MAX_COST_USD", "1")
    submit._collaborators.cache_clear()
    sent = submit.handler({}, Context(seconds=900))
    assert sent["waiting"] == 0
    assert sent["budget"] == {
        "maxUsd": "1",
        "spentUsd": budget["wouldCostUsd"],
        "wouldCostUsd": budget["wouldCostUsd"],
        "atLeast": False,
    }


def test_a_budget_for_a_model_without_a_price_is_an_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPLETION_MAX_COST_USD", "10")

    with pytest.raises(InvalidMessageError, match="no price is known of gpt-test"):
        submit.handler({}, Context(seconds=900))

    assert len(desk.standin.calls) == 0
    assert desk.summaries() == []


def test_what_crashes_left_behind_is_mended(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.put(label(4, validation_status=ValidationStatus.PENDING, batch_id="gone"))

    assert reconcile.handler({}, Context()) == {
        "adopted": 0,
        "released": 0,
        "cancelled": 0,
        "failed": 0,
        "labels": 0,
        "orphans": 1,
        "vectors": 0,
    }

    assert len(desk.labels(ValidationStatus.NONE)) == 4
    assert '"LabelsReleased":[1.0]' in capsys.readouterr().out


def test_an_environment_that_is_not_whole_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPLETION_BATCH_MAX_BYTES")
    monkeypatch.delenv("LABEL_TABLE")

    with pytest.raises(InvalidMessageError, match="LABEL_TABLE, COMPLETION_BATCH_MAX_BYTES"):
        submit.handler({}, Context())
    with pytest.raises(InvalidMessageError, match="LABEL_TABLE"):
        reconcile.handler({}, Context())


@pytest.mark.parametrize("usd", ["0", "-1", "nan", "inf", "1000001", "0.0000001", "many", ""])
def test_a_budget_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, usd: str) -> None:
    monkeypatch.setenv("COMPLETION_MAX_COST_USD", usd)

    with pytest.raises(InvalidMessageError, match="COMPLETION_MAX_COST_USD"):
        submit.handler({}, Context())
