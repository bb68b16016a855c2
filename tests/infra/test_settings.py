"""A wrong configuration stops the preview with the key, what was found, and the line that mends."""

import json
from pathlib import Path

import pytest
import yaml

from functions import prices
from functions.clients import sqs
from functions.ingest import page_process
from infra import combinations
from infra.settings import SettingsError
from tests.infra.conftest import ROOT, Deploy

WRONG = [
    ("vectorStorePollIntervalSeconds", "0", "pulumi config set vectorStorePollIntervalSeconds 10"),
    ("vectorStorePollMaxAttempts", "-1", "pulumi config set vectorStorePollMaxAttempts 10"),
    ("vectorStorePollBackoffRate", "fast", "pulumi config set vectorStorePollBackoffRate 1"),
    ("vectorStorePollBackoffRate", "nan", "pulumi config set vectorStorePollBackoffRate 1"),
    ("vectorStoreBatchMaxFiles", "2001", "pulumi config set vectorStoreBatchMaxFiles 500"),
    ("vectorStoreExpiresAfterDays", "soon", "pulumi config set vectorStoreExpiresAfterDays ''"),
    ("vectorStoreExpiresAfterDays", "366", "pulumi config set vectorStoreExpiresAfterDays ''"),
    ("ingestBatchSize", "1001", "pulumi config set ingestBatchSize 10"),
    ("ingestMaxConcurrency", "1", "pulumi config set ingestMaxConcurrency 10"),
    ("downloadPorts", "[0]", "pulumi config set --path 'downloadPorts[0]' 80"),
    ("queueMaxReceives", "1", "pulumi config set queueMaxReceives 5"),
    ("owner", "", "pulumi config set owner platform"),
    ("owner", "a" * 129, "pulumi config set owner platform"),
    ("owner", "aws:us", "pulumi config set owner platform"),
    ("owner", "us ", "pulumi config set owner platform"),
    ("logRetentionDays", "8", "pulumi config set logRetentionDays 30"),
    ("fallbackModel", "", "pulumi config set fallbackModel gpt-5.4-mini"),
    ("fileSweepHours", "0", "pulumi config set fileSweepHours 24"),
    ("fileSweepHours", "25", "pulumi config set fileSweepHours 24"),
    ("completionModel", "", "pulumi config set completionModel gpt-5.4-mini"),
    ("completionSubmitMinutes", "0", "pulumi config set completionSubmitMinutes 60"),
    ("completionPollMinutes", "1441", "pulumi config set completionPollMinutes 5"),
    ("completionReconcileMinutes", "0", "pulumi config set completionReconcileMinutes 60"),
    ("completionPollConcurrency", "41", "pulumi config set completionPollConcurrency 10"),
    ("completionApplyConcurrency", "1001", "pulumi config set completionApplyConcurrency 10"),
    ("completionPollMaxBatches", "0", "pulumi config set completionPollMaxBatches 200"),
    (
        "completionValidatingTimeoutSeconds",
        "59",
        "pulumi config set completionValidatingTimeoutSeconds 300",
    ),
    ("completionMaxAttempts", "0", "pulumi config set completionMaxAttempts 3"),
    ("completionBatchMaxRequests", "50001", "pulumi config set completionBatchMaxRequests 50000"),
    ("completionBatchMaxBytes", "200000001", "pulumi config set completionBatchMaxBytes 200000000"),
    ("completionMaxEnqueuedTokens", "0", "pulumi config set completionMaxEnqueuedTokens ''"),
    ("completionMaxCostUsd", "0", "pulumi config set completionMaxCostUsd ''"),
    ("completionMaxCostUsd", "1000001", "pulumi config set completionMaxCostUsd ''"),
    ("completionMaxCostUsd", "0.0000001", "pulumi config set completionMaxCostUsd ''"),
    ("completionMaxCostUsd", "nan", "pulumi config set completionMaxCostUsd ''"),
    ("pineconeIndexHost", "words", "pulumi config set pineconeIndexHost ''"),
    ("pineconeIndexHost", "ftp://words.example.com", "pulumi config set pineconeIndexHost ''"),
    ("pineconeNamespace", "", "pulumi config set pineconeNamespace words"),
    ("pineconeUpdatesPerSecond", "0", "pulumi config set pineconeUpdatesPerSecond 95"),
    ("webhookReservedConcurrency", "0", "pulumi config set webhookReservedConcurrency ''"),
    ("batchRetentionDays", "29", "pulumi config set batchRetentionDays 90"),
    ("openaiBaseUrl", "ftp://x", "pulumi config set openaiBaseUrl ''"),
    ("openaiBaseUrl", "https://me:pw@x/v1", "pulumi config set openaiBaseUrl ''"),
    ("alarmSubscribers", '["nobody"]', "pulumi config rm alarmSubscribers"),
    ("alarmSubscribers", '["a b@c.example"]', "pulumi config rm alarmSubscribers"),
    ("alarmSubscribers", '["http://c.example/sns"]', "pulumi config rm alarmSubscribers"),
    ("alarmSubscribers", '["https://me:pw@c.example/sns"]', "pulumi config rm alarmSubscribers"),
    ("alarmSubscribers", '["a@c.example", "a@c.example"]', "pulumi config rm alarmSubscribers"),
]
IMPOSSIBLE = [
    (
        {"ingestBatchSize": "11", "ingestBatchWindowSeconds": "0"},
        "pulumi config set ingestBatchWindowSeconds 5",
    ),
    (
        {"ingestTimeoutSeconds": "316"},
        "pulumi config set ingestVisibilityTimeoutSeconds 1901",
    ),
    (
        {"queueMaxReceives": "4"},
        "pulumi config set queueMaxReceives 5",
    ),
    (
        {"analysisTimeoutSeconds": "450", "analysisVisibilityTimeoutSeconds": "2700"},
        "pulumi config set queueMaxReceives 6",
    ),
    (
        {"queueRetryDelaySeconds": "0"},
        "pulumi config set queueRetryDelaySeconds 30",
    ),
    (
        {"ingestVisibilityTimeoutSeconds": "1804"},
        "pulumi config set ingestVisibilityTimeoutSeconds 1805",
    ),
    (
        {"analysisVisibilityTimeoutSeconds": "1799"},
        "pulumi config set analysisVisibilityTimeoutSeconds 1800",
    ),
    (
        {"vectorStorePollBackoffRate": "2", "vectorStorePollMaxDelaySeconds": "9"},
        "pulumi config set vectorStorePollMaxDelaySeconds 100",
    ),
    (
        {"vectorStorePollMaxAttempts": "8000", "vectorStoreFlowTimeoutSeconds": "1000000"},
        "pulumi config set vectorStorePollMaxAttempts 7999",
    ),
    (
        {"vectorStorePollIntervalSeconds": "400"},
        "pulumi config set vectorStoreFlowTimeoutSeconds 4330",
    ),
    (
        {"downloadAllowLoopback": "true"},
        "pulumi config set downloadAllowLoopback false",
    ),
    (
        {"downloadMaxBytes": "30000000"},
        "pulumi config set ingestMemoryMegabytes 1612",
    ),
    (
        {"completionPollMaxBatches": "268"},
        "pulumi config set completionPollMaxBatches 267",
    ),
    (
        {"completionMaxCostUsd": "10", "completionModel": "gpt-9"},
        "pulumi config set completionModel gpt-5.4-mini",
    ),
    (
        {"downloadTimeoutSeconds": "151"},
        "pulumi config set downloadTimeoutSeconds 150",
    ),
]


@pytest.mark.parametrize(("key", "value", "mend"), WRONG)
def test_a_wrong_value_is_refused_with_the_line_that_mends_it(
    deploy: Deploy, key: str, value: str, mend: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        deploy(config={key: value})
    message = str(refusal.value)
    shown = repr(json.loads(value) if value.startswith("[") else value)
    assert f"{key} is {shown}. Allowed: " in message
    assert f"\n    {mend}\n" in message


@pytest.mark.parametrize(("config", "mend"), IMPOSSIBLE)
def test_an_impossible_combination_is_refused_with_the_line_that_mends_it(
    deploy: Deploy, config: dict[str, str], mend: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        deploy(config=config)
    assert f"\n    {mend}\n" in str(refusal.value)


@pytest.mark.parametrize(("config", "mend"), IMPOSSIBLE)
def test_the_line_that_mends_a_combination_mends_it(
    deploy: Deploy, config: dict[str, str], mend: str
) -> None:
    *_, key, value = mend.split()
    deploy(config=config | {key: value})


def test_everything_that_is_wrong_is_told_at_once(deploy: Deploy) -> None:
    with pytest.raises(SettingsError) as refusal:
        deploy(config={"ingestBatchSize": "0", "logRetentionDays": "8"}, key=None)
    for key in ("openaiApiKey", "ingestBatchSize", "logRetentionDays"):
        assert f"{key} is " in str(refusal.value)


def test_a_missing_key_is_asked_for_with_the_command_that_sets_it(deploy: Deploy) -> None:
    with pytest.raises(SettingsError) as refusal:
        deploy(key=None)
    assert "pulumi config set --secret openaiApiKey" in str(refusal.value)


def test_a_pinecone_key_without_an_index_is_refused(deploy: Deploy) -> None:
    with pytest.raises(SettingsError) as refusal:
        deploy(pinecone_key="pc-marked")
    assert "\n    pulumi config set pineconeIndexHost <host>\n" in str(refusal.value)
    assert "pc-marked" not in str(refusal.value)


@pytest.mark.parametrize(
    "host",
    ["words-1a2b.svc.example.pinecone.io", "https://words.example.com", "http://127.0.0.1:4020"],
)
def test_the_index_is_a_host_or_a_url(deploy: Deploy, host: str) -> None:
    recorded = deploy(config={"pineconeIndexHost": host}, pinecone_key="pc-test")
    variables = recorded.one("labels-project-function").inputs["environment"]["variables"]
    assert variables["PINECONE_INDEX_HOST"] == host


def test_no_complaint_shows_the_key(deploy: Deploy) -> None:
    with pytest.raises(SettingsError) as refusal:
        deploy(config={"ingestBatchSize": "0"}, key="sk-marked")
    assert "sk-marked" not in str(refusal.value)


def test_every_declared_key_is_described_and_has_a_default() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    for key, spec in declared.items():
        assert spec.keys() >= {"type", "default", "description"}, key


def test_every_stack_file_sets_only_declared_keys() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    for file in sorted(ROOT.glob("Pulumi.*.yaml")):
        for key, value in yaml.safe_load(file.read_text())["config"].items():
            namespace, _, name = key.partition(":")
            # Encrypted values are the secrets, which cannot be declared.
            known = name in declared or (isinstance(value, dict) and set(value) == {"secure"})
            assert namespace == "aws" or known, f"{Path(file).name}: {key}"


def test_the_ingest_function_has_memory_for_the_process_that_reads_pages() -> None:
    assert combinations._PAGE_PROCESS_MEGABYTES << 20 == page_process._MEMORY_BYTES


def test_tries_may_be_shorter_than_a_lease_in_the_stack_local_alone(deploy: Deploy) -> None:
    deploy("local", {"queueMaxReceives": "2"})


def test_the_longest_delay_is_the_one_that_the_functions_have() -> None:
    assert combinations._LONGEST_DELAY_SECONDS == sqs._MAX_DELAY_SECONDS


def test_the_models_with_prices_are_those_of_the_functions() -> None:
    assert set(combinations._PRICED_MODELS) == set(prices.MODEL_PRICES)
    for model in (
        "gpt-5.4-mini",
        "gpt-5.4-mini-2026-03-17",
        "gpt-5.4-minix",
        "gpt-5x4",
        "gpt-9",
        "",
    ):
        assert bool(combinations._PRICED.fullmatch(model)) == bool(prices.model_price(model))


def test_a_model_without_a_price_is_refused_only_with_a_budget(deploy: Deploy) -> None:
    deploy(config={"completionModel": "gpt-9"})
    deploy(config={"completionMaxCostUsd": "10", "completionModel": "gpt-5.5-2026-04-23"})
    with pytest.raises(SettingsError, match=r"completionModel is 'gpt-9', of which no price"):
        deploy(config={"completionMaxCostUsd": "10", "completionModel": "gpt-9"})
