"""A stack with functions, tags and metrics: what ``cost`` looks at."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from functions.completions.batches import BatchSummary
from functions.completions.entities import iso
from functions.completions.vocabulary import BatchStatus
from functions.metrics import Metric
from ops.stack import Stack

TAGS = {"project": "openai-batch-flows", "stack": "dev"}
NAMESPACE = "openai-batch-flows-dev"
MODEL = "gpt-5.4-mini"
SUBMIT = {
    "COMPLETION_MODEL": MODEL,
    "COMPLETION_BATCH_MAX_REQUESTS": "50000",
    "COMPLETION_BATCH_MAX_BYTES": "200000000",
}
_ROLE = {"Version": "2012-10-17", "Statement": []}


def add_function(
    name: str, environment: Mapping[str, str], *, megabytes: int = 1024, tags: bool = True
) -> str:
    """A function that never runs; its ARN."""
    iam = boto3.client("iam")
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(_ROLE))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "")
    arn: str = boto3.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="handler.handler",
        Code={"ZipFile": code.getvalue()},
        MemorySize=megabytes,
        Environment={"Variables": dict(environment)},
        Tags=TAGS if tags else {},
    )["FunctionArn"]
    return arn


def tag_stack(stack: Stack) -> None:
    """Give what the stack's outputs name the tags that the program gives it."""
    machines = boto3.client("stepfunctions")
    listed: Any = [{"key": key, "value": value} for key, value in TAGS.items()]
    for arn in (stack.outputs.completion_poll_flow_arn, stack.outputs.vector_store_batch_flow_arn):
        machines.tag_resource(resourceArn=arn, tags=listed)
    boto3.client("sqs").tag_queue(QueueUrl=stack.outputs.download_queue_url, Tags=TAGS)
    dynamodb = boto3.client("dynamodb")
    table = dynamodb.describe_table(TableName=stack.outputs.label_table_name)["Table"]
    dynamodb.tag_resource(
        ResourceArn=table["TableArn"],
        Tags=[{"Key": key, "Value": value} for key, value in TAGS.items()],
    )
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/submit", tags=TAGS)


def measure(
    namespace: str, name: str, value: float, *, days_ago: float = 0.5, **dimensions: str
) -> None:
    """A value of a metric in CloudWatch."""
    boto3.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
                "Timestamp": datetime.now(UTC) - timedelta(days=days_ago),
                "Value": value,
            }
        ],
    )


def measure_documents(service: str, model: str, values: Mapping[Metric, float]) -> None:
    """What a function counts of a model."""
    for metric, value in values.items():
        measure(NAMESPACE, metric, value, service=service, model=model)


def add_batch(stack: Stack, *, days_ago: float = 0.5, **fields: Any) -> BatchSummary:
    """A batch that has ended, unless the fields say otherwise."""
    batch_id = str(uuid.uuid4())
    usual: dict[str, Any] = {
        "batch_id": batch_id,
        "status": BatchStatus.COMPLETED,
        "submitted_at": iso(time.time() - (days_ago + 1) * 86_400),
        "model": MODEL,
        "targets_key": f"batches/{batch_id}/targets.jsonl",
        "target_count": 100,
        "request_count": 10,
        "prompt_tokens": 20_000,
        "answer_tokens": 20_000,
        "input_tokens": 10_000,
        "output_tokens": 4_000,
        "outcomes": {"VALID": 90, "INVALID": 10},
        "finished_at": iso(time.time() - days_ago * 86_400),
    }
    summary = BatchSummary(**(usual | fields))
    stack.labels.put(summary.to_item())
    return summary
