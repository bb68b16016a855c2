"""The stack that receipts go to: one that ``up`` keeps up, reached through what it wrote down."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from functions.clients.dynamodb import Table
from local.aws import CREDENTIALS
from local.receipts.files import ReceiptsError
from local.stack import LOCAL_KEY, LocalStack, PineconeServer
from ops.stack import RUNNING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Destination(BaseModel):
    """What of ``up``'s outputs and endpoints an import needs."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore"
    )

    label_table_name: str
    aws_endpoint_url: str
    aws_region: str
    aws_access_key_id: str
    aws_secret_access_key: str
    pinecone_host: str
    pinecone_namespace: str

    @classmethod
    def read(cls, outputs: Path | None) -> Self:
        """Of the file ``outputs``, or of the stack that was started last. ReceiptsError."""
        file = outputs or RUNNING
        try:
            return cls.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            where = f"{outputs} is not there" if outputs else "no stack is up on this machine"
            raise ReceiptsError(f"{where}: start one with `python -m local up`") from None
        except (OSError, ValidationError) as error:
            raise ReceiptsError(f"{file} is not what `up` writes: {error}") from None

    @classmethod
    def of(cls, stack: LocalStack) -> Self:
        """Of a stack in this process."""
        return cls(
            label_table_name=stack.aws.outputs["labelTableName"],
            aws_endpoint_url=stack.aws.endpoint_url,
            aws_region=stack.aws.region,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            pinecone_host=stack.pinecone.host,
            pinecone_namespace=stack.namespace,
        )

    def dynamodb(self) -> "DynamoDBClient":
        """A client that takes and gives plain Python values, as a resource's does."""
        return boto3.resource("dynamodb", **self._connection()).meta.client

    def table(self) -> Table:
        """The label table."""
        return Table(boto3.client("dynamodb", **self._connection()), self.label_table_name)

    def pinecone(self) -> PineconeServer:
        """The words' vectors."""
        key = os.environ.get("PINECONE_API_KEY", LOCAL_KEY)
        return PineconeServer(host=self.pinecone_host, key=key)

    def _connection(self) -> dict[str, Any]:
        return {
            "endpoint_url": self.aws_endpoint_url,
            "region_name": self.aws_region,
            "aws_access_key_id": self.aws_access_key_id,
            "aws_secret_access_key": self.aws_secret_access_key,
        }
