"""The batch bucket is private, encrypted, and does not grow for ever."""

import json
from typing import Any

from tests.infra.conftest import Deploy, Recorded


def of_bucket(recorded: Recorded, token: str) -> dict[str, Any]:
    """How the batch bucket is set up in one respect."""
    [resource] = recorded.of(f"aws:s3/bucket{token}:Bucket{token}")
    assert resource.inputs["bucket"] == recorded.one("labels-batches-bucket").outputs["name"]
    return resource.inputs


def test_the_batch_bucket_is_private_and_encrypted(recorded: Recorded) -> None:
    closed = of_bucket(recorded, "PublicAccessBlock")
    assert {key: closed[key] for key in closed if key != "bucket"} == {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    ownership = of_bucket(recorded, "OwnershipControls")
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    [rule] = of_bucket(recorded, "ServerSideEncryptionConfiguration")["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}


def test_the_batch_bucket_takes_nothing_but_tls(recorded: Recorded) -> None:
    arn = recorded.one("labels-batches-bucket").arn
    [statement] = json.loads(of_bucket(recorded, "Policy")["policy"])["Statement"]
    assert statement == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_files_of_batches_and_broken_uploads_are_not_kept_for_ever(deploy: Deploy) -> None:
    recorded = deploy(config={"batchRetentionDays": "31"})
    assert of_bucket(recorded, "LifecycleConfiguration")["rules"] == [
        {
            "id": "expire-batches",
            "status": "Enabled",
            "filter": {"prefix": "batches/"},
            "expiration": {"days": 31},
        },
        {
            "id": "abort-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        },
    ]
