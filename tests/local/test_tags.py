"""What is created in the embedded AWS has the tags that the program gave it."""

from pathlib import Path
from typing import Any

import pulumi
import pytest

from local.aws import Aws
from local.engine import EmbeddedEngine

TAGS = {"owner": "platform", "stack": "local"}
DOCUMENT = '{"Version": "2012-10-17", "Statement": []}'
ONE_STATE = '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'


def create(aws: Aws, token: str, **inputs: Any) -> dict[str, Any]:
    """One tagged resource's outputs."""
    args = pulumi.runtime.MockResourceArgs(token, "tagged", {**inputs, "tags": TAGS}, custom=True)
    return EmbeddedEngine(aws).new_resource(args)[1]


@pytest.fixture
def role(aws: Aws) -> str:
    return str(create(aws, "aws:iam/role:Role", assumeRolePolicy=DOCUMENT)["arn"])


def test_a_bucket_has_its_tags(aws: Aws) -> None:
    bucket = create(aws, "aws:s3/bucket:Bucket")["bucket"]
    found = aws.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in found} == TAGS


def test_a_machine_has_its_tags(aws: Aws, role: str) -> None:
    token = "aws:sfn/stateMachine:StateMachine"
    arn = create(aws, token, definition=ONE_STATE, roleArn=role)["arn"]
    found = aws.client("stepfunctions").list_tags_for_resource(resourceArn=arn)["tags"]
    assert {tag["key"]: tag["value"] for tag in found} == TAGS


def test_functions_and_mappings_have_their_tags(aws: Aws, role: str, archive: Path) -> None:
    queue = create(aws, "aws:sqs/queue:Queue")
    function = create(
        aws,
        "aws:lambda/function:Function",
        role=role,
        code=pulumi.FileArchive(str(archive)),
        handler="a.b",
        runtime="python3.13",
    )
    mapping = create(
        aws,
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        eventSourceArn=queue["arn"],
        functionName=function["arn"],
    )
    arns = [
        function["arn"],
        f"arn:aws:lambda:{aws.region}:{aws.account}:event-source-mapping:{mapping['uuid']}",
    ]
    found = [aws.client("lambda").list_tags(Resource=arn)["Tags"] for arn in arns]
    assert found == [TAGS, TAGS]
    queue_tags = aws.client("sqs").list_queue_tags(QueueUrl=queue["url"])["Tags"]
    assert queue_tags == TAGS
