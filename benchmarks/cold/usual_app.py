"""The usual bundle's one module: all that any function needs is imported and made at its top."""

import os
from typing import Any

import boto3
import markdownify
import openai
import pinecone
import pydantic
import tenacity
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics(namespace="usual")
table = boto3.resource("dynamodb").Table(os.environ["INGEST_LEDGER_TABLE"])
s3 = boto3.client("s3")
sqs = boto3.client("sqs")
stepfunctions = boto3.client("stepfunctions")
client = openai.OpenAI(
    api_key=str(parameters.get_secret(os.environ["OPENAI_API_KEY_SECRET_ARN"])),
    base_url=os.environ["OPENAI_BASE_URL"],
)
words = pinecone.Pinecone(api_key="any").index(host="http://127.0.0.1:9")


class Record(pydantic.BaseModel):
    """A message of the queue."""

    messageId: str  # noqa: N815 - as SQS spells it
    body: str


class Event(pydantic.BaseModel):
    """Some of them."""

    Records: list[Record]


@tenacity.retry(stop=tenacity.stop_after_attempt(3))
def ingest(record: Record) -> None:
    """Upload the page in a message."""
    page = markdownify.markdownify(record.body)
    client.files.create(file=("page.md", page.encode()), purpose="assistants")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """The messages that failed."""
    failures = []
    for record in Event(**event).Records:
        try:
            ingest(record)
        except Exception:
            logger.exception("record failed")
            failures.append({"itemIdentifier": record.messageId})
    logger.info("ingested")
    return {"batchItemFailures": failures}
