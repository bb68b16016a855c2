"""The sweep's resources: what it may do, what it is told, and where its failures go."""

import pytest

from functions.environment import FileSweepEnvironment
from tests.infra.conftest import Deploy, Recorded
from tests.infra.test_program import FUNCTION_BASICS, POWERTOOLS, environment


def test_the_sweep_may_only_read_the_ledger_and_keep_its_position(recorded: Recorded) -> None:
    allowed = recorded.grants("documents-sweep-role")
    assert allowed.keys() == FUNCTION_BASICS | {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "sqs:SendMessage",
    }
    ledger = recorded.one("documents-ingest-ledger").arn
    assert allowed["dynamodb:GetItem"] == allowed["dynamodb:PutItem"] == [ledger]
    assert allowed["sqs:SendMessage"] == [recorded.one("documents-sweep-dead-letters").arn]
    assert allowed["secretsmanager:GetSecretValue"] == [recorded.one("openai-key-secret").arn]


def test_the_sweep_is_told_what_it_reads_and_nothing_else(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = deploy(config={"openaiBaseUrl": "https://o.ex/v1"})
    told = environment(recorded, "documents-sweep-function")
    read = {name.upper() for name in FileSweepEnvironment.model_fields}
    assert told.keys() == {*POWERTOOLS, *read}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    ledger = recorded.one("documents-ingest-ledger").outputs["name"]
    assert FileSweepEnvironment.load().ingest_ledger_table == ledger
    # By this name it knows its own files, so it has to be the one that the ingest function has.
    ingest = environment(recorded, "documents-ingest-function")
    assert ingest["INGEST_LEDGER_TABLE"] == ledger


def test_a_sweep_that_failed_twice_is_kept(recorded: Recorded) -> None:
    kept = recorded.one("documents-sweep-failures").inputs
    assert kept["functionName"] == recorded.one("documents-sweep-function").outputs["name"]
    assert kept["maximumRetryAttempts"] == 1
    letters = recorded.one("documents-sweep-dead-letters").arn
    assert kept["destinationConfig"] == {"onFailure": {"destination": letters}}
