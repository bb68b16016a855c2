"""Objects of one bucket."""

import io
from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from functions.clients import aws as aws_clients
from functions.clients.s3 import Bucket
from functions.errors import AwsRejectedError, AwsUnavailableError
from tests.functions.conftest import REGION


@pytest.fixture
def bucket(aws: None) -> Bucket:
    boto3.client("s3").create_bucket(
        Bucket="batches", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return Bucket(aws_clients.client("s3"), "batches")


@pytest.fixture
def broken(bucket: Bucket) -> Iterator[Stubber]:
    with Stubber(bucket._client) as stubber:
        yield stubber


def test_an_object_comes_back_as_it_was_put(bucket: Bucket) -> None:
    bucket.put("a/b", b"x" * 3_000_000)

    assert bucket.get("a/b") == b"x" * 3_000_000
    blocks = bucket.blocks("a/b")
    assert blocks is not None
    assert max(map(len, blocks)) <= 1 << 20


def test_a_file_is_put_from_where_it_stands(bucket: Bucket) -> None:
    file = io.BytesIO(b"header, body")
    file.seek(8)

    bucket.put_file("a", file)

    assert bucket.get("a") == b"body"


def test_an_object_that_is_not_there_is_none(bucket: Bucket) -> None:
    assert bucket.get("a") is None
    assert bucket.blocks("a") is None


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("SlowDown", 503, AwsUnavailableError),
        ("InternalError", 500, AwsUnavailableError),
        ("AccessDenied", 403, AwsRejectedError),
        ("NoSuchBucket", 404, AwsRejectedError),
    ],
)
def test_failures_are_told_apart(
    bucket: Bucket, broken: Stubber, code: str, status: int, kind: type[Exception]
) -> None:
    for operation in ("put_object", "get_object"):
        broken.add_client_error(operation, code, http_status_code=status)

    with pytest.raises(kind, match=code):
        bucket.put("a", b"")
    with pytest.raises(kind, match=code):
        bucket.get("a")
