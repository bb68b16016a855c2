"""A function's environment, read into its typed model."""

import pytest

from functions.environment import (
    CheckBatchEnvironment,
    IngestEnvironment,
    MarketAnalysisEnvironment,
)
from functions.errors import InvalidMessageError

INGEST = {
    "OPENAI_API_KEY_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/downloads",
    "RETRY_DELAY_SECONDS": "30",
    "INGEST_LEDGER_TABLE": "ledger",
    "VECTOR_STORE_BATCH_FLOW_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:flow",
    "FALLBACK_MODEL": "gpt-test",
    "VECTOR_STORE_BATCH_MAX_FILES": "500",
    "INGEST_REFRESH_AFTER_SECONDS": "86400",
    "DOWNLOAD_MAX_BYTES": "1000000",
    "DOWNLOAD_TIMEOUT_SECONDS": "20.5",
    "DOWNLOAD_MIN_CHARACTERS": "200",
    "DOWNLOAD_PORTS": "80,443",
    "DOWNLOAD_ALLOW_LOOPBACK": "false",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "VECTOR_STORE_EXPIRES_AFTER_DAYS", "ANALYSES_TABLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in INGEST.items():
        monkeypatch.setenv(name, value)


def test_variables_become_values_of_their_types() -> None:
    environment = IngestEnvironment.load()

    assert environment.retry_delay_seconds == 30
    assert environment.download_timeout_seconds == 20.5
    assert environment.download_allow_loopback is False
    assert environment.download_ports == {80, 443}


def test_what_may_be_left_out_is_none() -> None:
    environment = IngestEnvironment.load()

    assert environment.openai_base_url is None
    assert environment.vector_store_expires_after_days is None


def test_what_may_be_left_out_is_read_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:4010/v1")
    monkeypatch.setenv("VECTOR_STORE_EXPIRES_AFTER_DAYS", "7")

    environment = IngestEnvironment.load()

    assert environment.openai_base_url == "http://127.0.0.1:4010/v1"
    assert environment.vector_store_expires_after_days == 7


def test_each_function_asks_only_for_its_own() -> None:
    assert CheckBatchEnvironment.load().ingest_ledger_table == "ledger"
    with pytest.raises(InvalidMessageError, match="ANALYSES_TABLE, ANALYSIS_MODEL"):
        MarketAnalysisEnvironment.load()


def test_the_error_names_all_that_is_missing_or_wrong_and_where_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("QUEUE_URL")
    monkeypatch.setenv("DOWNLOAD_MAX_BYTES", "a lot, sk-secret")

    with pytest.raises(InvalidMessageError) as failed:
        IngestEnvironment.load()

    assert str(failed.value) == (
        "environment variables missing or wrong: QUEUE_URL, DOWNLOAD_MAX_BYTES; infra/ sets them"
    )
    assert failed.value.__cause__ is None, "pydantic's error repeats the values"
    assert failed.value.__suppress_context__


def test_a_change_of_the_process_is_read_by_the_next_load_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = IngestEnvironment.load()
    monkeypatch.setenv("FALLBACK_MODEL", "gpt-other")

    assert before.fallback_model == "gpt-test"
    assert IngestEnvironment.load().fallback_model == "gpt-other"
