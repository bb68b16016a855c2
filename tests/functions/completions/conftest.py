"""What the label-completion flow stands on: its table, its bucket, and OpenAI's Batch API."""

import boto3
import pytest

from functions.clients import aws as aws_clients
from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.clients.secrets import Secret
from local.standins.openai import OpenAIStandIn
from tests.functions.completions.tables import create_label_table
from tests.functions.conftest import REGION


@pytest.fixture
def label_table(aws: None) -> Table:
    """An empty table with the three indexes."""
    create_label_table(boto3.client("dynamodb"), "labels")
    return Table.named("labels")


@pytest.fixture
def bucket(aws: None) -> Bucket:
    """An empty bucket."""
    client = aws_clients.client("s3")
    client.create_bucket(Bucket="batches", CreateBucketConfiguration={"LocationConstraint": REGION})
    return Bucket(client, "batches")


@pytest.fixture
def jobs(standin: OpenAIStandIn, secret: Secret) -> BatchJobs:
    """The Batch API at the stand-in."""
    return BatchJobs(secret, base_url=standin.base_url, timeout_seconds=10, max_retries=0)
