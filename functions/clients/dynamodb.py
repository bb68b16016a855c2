"""The edge of DynamoDB: one table, plain Python values, conditions that may fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3
from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from functions.clients import aws
from functions.errors import AwsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Of a transaction that was cancelled; its own error code says nothing of why:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_PASSING_REASONS = frozenset(
    {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)

Item = dict[str, Any]
Key = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Put:
    """A whole item to be written if ``when`` holds."""

    item: Item
    when: ConditionBase | None = None


class Table:
    """A table whose writes answer whether their condition held.

    Numbers come back as ``Decimal``. Errors: AwsUnavailableError, AwsRejectedError.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    @classmethod
    def named(cls, name: str) -> Self:
        """The table of that name, in the function's own region."""
        # A resource's client takes and gives plain Python values and, unlike the resource, may be
        # shared by threads.
        return cls(boto3.resource("dynamodb", config=aws.CONFIG).meta.client, name)

    def get(self, key: Key) -> Item | None:
        """The item under ``key``, read consistently."""
        with aws.translated():
            answer = self._client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def query(self, pk: str) -> list[Item]:
        """All items of a partition, read consistently."""
        items: list[Item] = []
        arguments: dict[str, Any] = {}
        with aws.translated():
            while True:
                page = self._client.query(
                    TableName=self.name,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": pk},
                    ConsistentRead=True,
                    **arguments,
                )
                items += page["Items"]
                if "LastEvaluatedKey" not in page:
                    return items
                arguments = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def put(self, item: Item, *, when: ConditionBase | None = None) -> bool:
        """Write a whole item; False if the condition did not hold."""
        return self._write(self._client.put_item, Item=item, **_condition(when))

    def update(
        self,
        key: Key,
        changes: Mapping[str, Any],
        *,
        remove: Sequence[str] = (),
        when: ConditionBase | None = None,
    ) -> bool:
        """Set and remove attributes of an item; False if the condition did not hold."""
        condition = _condition(when)
        names = {f"#set{i}": name for i, name in enumerate(changes)}
        removed = {f"#remove{i}": name for i, name in enumerate(remove)}
        expression = "SET " + ", ".join(f"#set{i} = :set{i}" for i in range(len(changes)))
        if removed:
            expression += " REMOVE " + ", ".join(removed)
        values = {f":set{i}": value for i, value in enumerate(changes.values())}
        condition["ExpressionAttributeNames"] = (
            condition.get("ExpressionAttributeNames", {}) | names | removed
        )
        condition["ExpressionAttributeValues"] = (
            condition.get("ExpressionAttributeValues", {}) | values
        )
        return self._write(
            self._client.update_item, Key=key, UpdateExpression=expression, **condition
        )

    def delete(self, key: Key, *, when: ConditionBase | None = None) -> bool:
        """Delete an item; False if the condition did not hold."""
        return self._write(self._client.delete_item, Key=key, **_condition(when))

    def put_all(self, puts: Sequence[Put]) -> bool:
        """Write all or, if a condition did not hold, none; False then. At most 100 items.

        AwsUnavailableError if other transactions had one of the items in hand each time.
        """
        actions: list[Any] = [
            {"Put": {"TableName": self.name, "Item": put.item, **_condition(put.when)}}
            for put in puts
        ]
        with aws.translated():
            try:
                past_conflicts = Retrying(
                    retry=retry_if_exception(_is_conflict),
                    wait=wait_random_exponential(multiplier=0.05, max=1),
                    stop=stop_after_attempt(5),
                    reraise=True,
                )
                past_conflicts(self._client.transact_write_items, TransactItems=actions)
            except ClientError as error:
                reasons = _cancellation_reasons(error)
                if "ConditionalCheckFailed" in reasons:
                    return False
                if reasons & _PASSING_REASONS:
                    raise AwsUnavailableError(str(error)) from error
                raise
        return True

    def _write(self, operation: Any, **arguments: Any) -> bool:
        with aws.translated():
            try:
                operation(TableName=self.name, **arguments)
            except ClientError as error:
                if aws.error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True


def _condition(when: ConditionBase | None) -> dict[str, Any]:
    if when is None:
        return {}
    built = ConditionExpressionBuilder().build_expression(when)
    arguments: dict[str, Any] = {
        "ConditionExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
    }
    if built.attribute_value_placeholders:  # DynamoDB refuses an empty mapping
        arguments["ExpressionAttributeValues"] = built.attribute_value_placeholders
    return arguments


def _is_conflict(error: BaseException) -> bool:
    """Two transactions met at an item: it passes in milliseconds, but botocore gives up on it."""
    if not isinstance(error, ClientError):
        return False
    reasons = _cancellation_reasons(error)
    return "TransactionConflict" in reasons and "ConditionalCheckFailed" not in reasons


def _cancellation_reasons(error: ClientError) -> set[str]:
    """Why a transaction was cancelled: a code for each item, most of them ``None``."""
    return {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])}
