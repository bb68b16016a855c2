"""The edge of DynamoDB: one table, plain Python values, conditions that may fail."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import boto3
from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from botocore.config import Config
from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from functions.clients import aws, calls
from functions.clients.typed_values import plain, typed
from functions.errors import AwsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Of a transaction that was cancelled; its own error code says nothing of why:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_PASSING_REASONS = frozenset(
    {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MOST_ACTIONS = 100
# What goes into a call is built here. To have botocore look through it once more was about a
# quarter of the processor time of a function that writes thousands of items. DynamoDB looks anyway.
_CONFIG = aws.CONFIG.merge(Config(parameter_validation=False))

Item = dict[str, Any]
Key = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Put:
    """A whole item to be written if ``when`` holds."""

    item: Item
    when: ConditionBase | None = None


@dataclass(frozen=True, kw_only=True)
class Update:
    """Attributes of an item to be set, removed, or added to, if ``when`` holds."""

    key: Key
    changes: Mapping[str, Any] = field(default_factory=dict)
    remove: Sequence[str] = ()
    add: Mapping[str, int] = field(default_factory=dict)
    when: ConditionBase | None = None


Action = Put | Update


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
        return cls(boto3.client("dynamodb", config=_CONFIG), name)

    def get(self, key: Key) -> Item | None:
        """The item under ``key``, read consistently."""
        with aws.translated():
            answer = calls.call(
                "dynamodb.get_item",
                lambda: self._client.get_item(
                    TableName=self.name, Key=typed(key), ConsistentRead=True
                ),
            )
        return plain(answer["Item"]) if "Item" in answer else None

    def query(
        self,
        key: ConditionBase,
        *,
        index: str | None = None,
        only: Sequence[str] = (),
        page_size: int | None = None,
    ) -> Iterator[Item]:
        """The items of a partition in the order of their sort keys, page by page.

        Read consistently, but for an ``index``, which follows its table by a moment. ``only``
        names the attributes that are wanted.
        """
        arguments: dict[str, Any] = {
            "ConsistentRead": index is None,
            **_expression("KeyConditionExpression", key, only),
        }
        if index is not None:
            arguments["IndexName"] = index
        if page_size is not None:
            arguments["Limit"] = page_size
        while True:
            with aws.translated():
                page = calls.call(
                    "dynamodb.query", lambda: self._client.query(TableName=self.name, **arguments)
                )
            yield from map(plain, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put(self, item: Item, *, when: ConditionBase | None = None) -> bool:
        """Write a whole item; False if the condition did not hold."""
        return self._write("put_item", Item=typed(item), **_condition(when))

    def update(
        self,
        key: Key,
        changes: Mapping[str, Any],
        *,
        remove: Sequence[str] = (),
        when: ConditionBase | None = None,
    ) -> bool:
        """Set and remove attributes of an item; False if the condition did not hold."""
        described = Update(key=key, changes=changes, remove=remove, when=when)
        return self._write("update_item", **_update(described))

    def delete(self, key: Key, *, when: ConditionBase | None = None) -> bool:
        """Delete an item; False if the condition did not hold."""
        return self._write("delete_item", Key=typed(key), **_condition(when))

    def write_all(self, actions: Sequence[Action]) -> frozenset[int]:
        """Write all or none, at most 100 actions on as many items.

        The positions of the actions whose condition did not hold; all was written if there are
        none. AwsUnavailableError if for some ten seconds it was throttled, or other transactions
        had one of the items in hand, each time.
        """
        described: list[Any] = [self._described(action) for action in actions]
        with aws.translated():
            try:
                until_it_passes = Retrying(
                    retry=retry_if_exception(_is_passing),
                    wait=wait_random_exponential(multiplier=0.05, max=5),
                    stop=stop_after_attempt(10),
                    reraise=True,
                )
                until_it_passes(
                    calls.call,
                    "dynamodb.transact_write_items",
                    lambda: self._client.transact_write_items(TransactItems=described),
                )
            except ClientError as error:
                reasons = _cancellation_reasons(error)
                refused = [n for n, code in enumerate(reasons) if code == "ConditionalCheckFailed"]
                if refused:
                    return frozenset(refused)
                if _PASSING_REASONS.intersection(reasons):
                    raise AwsUnavailableError(str(error)) from error
                raise
        return frozenset()

    def _described(self, action: Action) -> dict[str, Any]:
        if isinstance(action, Put):
            put = {"TableName": self.name, "Item": typed(action.item), **_condition(action.when)}
            return {"Put": put}
        return {"Update": {"TableName": self.name, **_update(action)}}

    def _write(self, operation: str, **arguments: Any) -> bool:
        with aws.translated():
            try:
                write = partial(getattr(self._client, operation), TableName=self.name, **arguments)
                calls.call(f"dynamodb.{operation}", write)
            except ClientError as error:
                if aws.error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True


def _update(update: Update) -> dict[str, Any]:
    """An update as DynamoDB takes it, without the table's name."""
    arguments = {"Key": typed(update.key), **_condition(update.when)}
    names = arguments.get("ExpressionAttributeNames", {})
    values = arguments.get("ExpressionAttributeValues", {})
    clauses = []
    for clause, template, attributes in (
        ("SET", "{name} = {value}", update.changes),
        ("ADD", "{name} {value}", update.add),
        ("REMOVE", "{name}", dict.fromkeys(update.remove)),
    ):
        parts = []
        for number, (attribute, value) in enumerate(attributes.items()):
            name, placeholder = f"#{clause}{number}", f":{clause}{number}"
            names = names | {name: attribute}
            if clause != "REMOVE":
                values = values | typed({placeholder: value})
            parts.append(template.format(name=name, value=placeholder))
        if parts:
            clauses.append(f"{clause} {', '.join(parts)}")
    arguments |= {"UpdateExpression": " ".join(clauses), "ExpressionAttributeNames": names}
    if values:  # DynamoDB refuses an empty mapping
        arguments["ExpressionAttributeValues"] = values
    return arguments


def _condition(when: ConditionBase | None) -> dict[str, Any]:
    return {} if when is None else _expression("ConditionExpression", when)


def _expression(
    argument: str, condition: ConditionBase, only: Sequence[str] = ()
) -> dict[str, Any]:
    """A condition under the argument's name, and the attributes that are wanted, if not all."""
    is_key = argument == "KeyConditionExpression"
    built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=is_key)
    wanted = {f"#only{number}": name for number, name in enumerate(only)}
    arguments: dict[str, Any] = {
        argument: built.condition_expression,
        "ExpressionAttributeNames": {**built.attribute_name_placeholders, **wanted},
    }
    if wanted:
        arguments["ProjectionExpression"] = ", ".join(wanted)
    if built.attribute_value_placeholders:  # DynamoDB refuses an empty mapping
        arguments["ExpressionAttributeValues"] = typed(built.attribute_value_placeholders)
    return arguments


def _is_passing(error: BaseException) -> bool:
    """Whether a transaction only came at a bad moment, after which botocore gives up on it.

    Another one had an item in hand, which passes in milliseconds. Or a partition, of the table or
    of an index, takes no more: it has a thousand writes a second, which many labels soon need.
    """
    if not isinstance(error, ClientError):
        return False
    reasons = _cancellation_reasons(error)
    return bool(_PASSING_REASONS.intersection(reasons)) and "ConditionalCheckFailed" not in reasons


def _cancellation_reasons(error: ClientError) -> list[str]:
    """Why a transaction was cancelled: a code for each action, most of them ``None``."""
    return [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
