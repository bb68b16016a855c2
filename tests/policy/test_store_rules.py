"""Tables and buckets: encrypted, restorable, private."""

from typing import Any

import pytest

from rules import bucket_encryption, bucket_privacy, table_encryption, table_recovery
from rules.reading.types import BUCKET, BUCKET_ENCRYPTION, PUBLIC_ACCESS_BLOCK, TABLE
from tests.policy.seen import complaints, seen

FILES, OTHER = seen(BUCKET, "files", {}), seen(BUCKET, "other", {})
WAYS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
SSE = {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}


def test_a_table_that_is_encrypted_and_can_be_restored_is_right() -> None:
    enabled = {"enabled": True}
    table = seen(TABLE, "t", {"pointInTimeRecovery": enabled, "serverSideEncryption": enabled})
    assert complaints(table_recovery.RULE, table) == []
    assert complaints(table_encryption.RULE, table) == []


@pytest.mark.parametrize("value", [None, {}, {"enabled": False}])
def test_a_table_that_cannot_be_restored_is_wrong(value: Any) -> None:
    table = seen(TABLE, "t", {} if value is None else {"pointInTimeRecovery": value})
    assert complaints(table_recovery.RULE, table) == [("t", "Enable point_in_time_recovery.")]


@pytest.mark.parametrize("value", [None, {}, {"enabled": False}])
def test_a_table_that_is_not_encrypted_is_wrong(value: Any) -> None:
    table = seen(TABLE, "t", {} if value is None else {"serverSideEncryption": value})
    assert complaints(table_encryption.RULE, table) == [("t", "Enable server_side_encryption.")]


def test_a_bucket_that_nothing_can_open_is_right() -> None:
    block = seen(PUBLIC_ACCESS_BLOCK, "closed", dict.fromkeys(WAYS, True), bucket=FILES)
    assert complaints(bucket_privacy.RULE, FILES, block) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_bucket_with_one_way_open_is_wrong(way: str) -> None:
    inputs = {**dict.fromkeys(WAYS, True), way: False}
    block = seen(PUBLIC_ACCESS_BLOCK, "closed", inputs, bucket=FILES)
    [(name, _)] = complaints(bucket_privacy.RULE, FILES, block)
    assert name == "files"


def test_a_bucket_is_not_closed_by_what_closes_another() -> None:
    block = seen(PUBLIC_ACCESS_BLOCK, "closed", dict.fromkeys(WAYS, True), bucket=OTHER)
    [(name, _)] = complaints(bucket_privacy.RULE, FILES, OTHER, block)
    assert name == "files"


def test_an_encrypted_bucket_is_right() -> None:
    configuration = seen(BUCKET_ENCRYPTION, "encrypted", SSE, bucket=FILES)
    assert complaints(bucket_encryption.RULE, FILES, configuration) == []


@pytest.mark.parametrize(
    ("inputs", "bucket"), [({"rules": [{"bucketKeyEnabled": True}]}, FILES), (SSE, OTHER)]
)
def test_a_bucket_that_is_not_encrypted_is_wrong(inputs: dict[str, Any], bucket: Any) -> None:
    configuration = seen(BUCKET_ENCRYPTION, "encrypted", inputs, bucket=bucket)
    [(name, _)] = complaints(bucket_encryption.RULE, FILES, configuration)
    assert name == "files"
