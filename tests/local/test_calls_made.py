"""Requests as they come in, and what each would need of its caller's role."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT, Aws
from local.calls_made import Call, CallsMade, noting

WORKER = "a-function"
TABLE = {
    "TableName": "labels",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": "PK", "AttributeType": "S"},
        {"AttributeName": "GSI1PK", "AttributeType": "S"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "GSI1",
            "KeySchema": [{"AttributeName": "GSI1PK", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
KEY = {"PK": {"S": "a"}}


@pytest.fixture
def calls(aws: Aws) -> Iterator[CallsMade]:
    made = CallsMade()
    with noting(made):
        yield made


def noted(calls: CallsMade) -> set[tuple[str, str]]:
    return {(call.action, call.resource) for call in calls.of(WORKER)}


@pytest.fixture(scope="module")
def table(aws: Aws) -> str:
    """The ARN of a table with an index."""
    return str(aws.client("dynamodb").create_table(**TABLE)["TableDescription"]["TableArn"])


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    """The ARN of a bucket with one object."""
    location = {"LocationConstraint": aws.region}
    aws.client("s3").create_bucket(Bucket="files", CreateBucketConfiguration=location)
    aws.client("s3").put_object(Bucket="files", Key="batches/a b.json", Body=b"{}")
    return "arn:aws:s3:::files"


def test_a_call_is_noted_under_its_caller_and_answered_as_ever(
    aws: Aws, calls: CallsMade, table: str
) -> None:
    client = aws.client("dynamodb", caller=WORKER)
    client.put_item(TableName="labels", Item=KEY)
    aws.client("dynamodb", caller="another").get_item(TableName="labels", Key=KEY)
    assert client.get_item(TableName="labels", Key=KEY)["Item"] == KEY
    assert noted(calls) == {("dynamodb:PutItem", table), ("dynamodb:GetItem", table)}
    another = Call(caller="another", action="dynamodb:GetItem", resource=table)
    assert calls.of("another") == {another}
    assert calls.callers == {WORKER, "another"}


def test_what_has_no_name_of_its_own_is_not_noted(aws: Aws, calls: CallsMade, table: str) -> None:
    aws.client("dynamodb").get_item(TableName="labels", Key=KEY)
    assert calls.callers == set()


def test_an_index_is_a_resource_of_its_own(aws: Aws, calls: CallsMade, table: str) -> None:
    aws.client("dynamodb", caller=WORKER).query(
        TableName="labels",
        IndexName="GSI1",
        KeyConditionExpression="GSI1PK = :key",
        ExpressionAttributeValues={":key": {"S": "a"}},
    )
    assert noted(calls) == {("dynamodb:Query", f"{table}/index/GSI1")}


def test_a_transaction_needs_what_its_actions_need(aws: Aws, calls: CallsMade, table: str) -> None:
    exists = {"ConditionExpression": "attribute_not_exists(PK)"}
    aws.client("dynamodb", caller=WORKER).transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "labels", "Item": {"PK": {"S": "b"}}}},
            {"Delete": {"TableName": "labels", "Key": {"PK": {"S": "c"}}}},
            {"ConditionCheck": {"TableName": "labels", "Key": {"PK": {"S": "d"}}, **exists}},
            {
                "Update": {
                    "TableName": "labels",
                    "Key": {"PK": {"S": "e"}},
                    "UpdateExpression": "REMOVE x",
                }
            },
        ]
    )
    actions = ("PutItem", "DeleteItem", "ConditionCheckItem", "UpdateItem")
    assert noted(calls) == {(f"dynamodb:{action}", table) for action in actions}


def test_many_items_at_once_are_an_action_of_their_own(
    aws: Aws, calls: CallsMade, table: str
) -> None:
    aws.client("dynamodb", caller=WORKER).batch_get_item(RequestItems={"labels": {"Keys": [KEY]}})
    assert noted(calls) == {("dynamodb:BatchGetItem", table)}


def test_objects_are_named_by_their_keys(aws: Aws, calls: CallsMade, bucket: str) -> None:
    client = aws.client("s3", caller=WORKER)
    assert client.get_object(Bucket="files", Key="batches/a b.json")["Body"].read() == b"{}"
    client.put_object(Bucket="files", Key="batches/new", Body=b"1")
    client.delete_object(Bucket="files", Key="batches/new")
    client.list_objects_v2(Bucket="files", Prefix="batches/")
    assert noted(calls) == {
        ("s3:GetObject", f"{bucket}/batches/a b.json"),
        ("s3:PutObject", f"{bucket}/batches/new"),
        ("s3:DeleteObject", f"{bucket}/batches/new"),
        ("s3:ListBucket", bucket),
    }


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_who_is_told_that_an_object_is_not_there_may_list_the_bucket(
    aws: Aws, calls: CallsMade, bucket: str, operation: str
) -> None:
    with pytest.raises(ClientError, match=r"NoSuchKey|404"):
        getattr(aws.client("s3", caller=WORKER), operation)(Bucket="files", Key="none")
    assert noted(calls) == {("s3:GetObject", f"{bucket}/none"), ("s3:ListBucket", bucket)}


def test_queues_machines_secrets_and_functions_are_named_by_their_arns(
    aws: Aws, calls: CallsMade
) -> None:
    sqs, secrets = aws.client("sqs"), aws.client("secretsmanager")
    url = sqs.create_queue(QueueName="letters")["QueueUrl"]
    secret = secrets.create_secret(Name="key", SecretString="sk")["ARN"]
    role = "arn:aws:iam::123456789012:role/r"
    machine = aws.client("stepfunctions").create_state_machine(
        name="flow",
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
        roleArn=role,
    )["stateMachineArn"]

    mine = aws.client("sqs", caller=WORKER)
    entries: Any = [{"Id": "1", "MessageBody": "a"}]
    mine.send_message_batch(QueueUrl=url, Entries=entries)
    receipt = mine.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    mine.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=1)
    aws.client("secretsmanager", caller=WORKER).get_secret_value(SecretId=secret)
    aws.client("stepfunctions", caller=WORKER).start_execution(stateMachineArn=machine)
    for function in ("work", f"arn:aws:lambda:{aws.region}:{ACCOUNT}:function:more"):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            aws.client("lambda", caller=WORKER).invoke(FunctionName=function)

    queue = f"arn:aws:sqs:{aws.region}:{ACCOUNT}:letters"
    functions = f"arn:aws:lambda:{aws.region}:{ACCOUNT}:function"
    assert noted(calls) == {
        ("sqs:SendMessage", queue),
        ("sqs:ReceiveMessage", queue),
        ("sqs:ChangeMessageVisibility", queue),
        ("secretsmanager:GetSecretValue", secret),
        ("states:StartExecution", machine),
        ("lambda:InvokeFunction", f"{functions}:work"),
        ("lambda:InvokeFunction", f"{functions}:more"),
    }


def test_a_call_of_a_kind_that_is_not_known_is_on_no_arn(
    aws: Aws, calls: CallsMade, bucket: str
) -> None:
    aws.client("s3", caller=WORKER).get_bucket_location(Bucket="files")
    aws.client("s3", caller=WORKER).get_object_tagging(Bucket="files", Key="batches/a b.json")
    aws.client("lambda", caller=WORKER).list_functions()
    aws.client("stepfunctions", caller=WORKER).list_state_machines()
    aws.client("sqs", caller=WORKER).list_queues()
    aws.client("logs", caller=WORKER).describe_log_groups()
    actions = {action for action, _ in noted(calls)}
    assert actions == {
        "s3:GET",
        "lambda:GET",
        "states:ListStateMachines",
        "sqs:ListQueues",
        "logs:DescribeLogGroups",
    }
    assert not [resource for _, resource in noted(calls) if resource.startswith("arn:")]
