"""moto's tables under many threads, and in large transactions."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing.tokens import ExpressionTokenizer

from functions.clients.dynamodb import Table
from local.aws import Aws
from local.tables import (
    fit_for_many_items,
    one_call_at_a_time,
    transactions_that_copy_what_they_touch,
)

WORKERS, ITEMS = 6, 60


def create_table(aws: Aws, name: str, keys: Mapping[str, str]) -> None:
    """A table of string keys, each with its role."""
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": role} for key, role in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.mark.usefixtures("impatient_threads")
def test_of_workers_that_put_an_item_only_if_it_is_not_there_one_succeeds(aws: Aws) -> None:
    create_table(aws, "claims", {"pk": "HASH"})

    def claims(worker: int) -> int:
        client: Any = aws.client("dynamodb")
        won = 0
        for number in range(ITEMS):
            item = {"pk": str(number), "owner": str(worker)}
            won += Table(client, "claims").put(item, when=Attr("pk").not_exists())
        return won

    with one_call_at_a_time(), ThreadPoolExecutor(WORKERS) as threads:
        assert sum(threads.map(claims, range(WORKERS))) == ITEMS


@pytest.mark.parametrize("keys", [{"pk": "HASH"}, {"pk": "HASH", "sk": "RANGE"}], ids=len)
def test_a_transaction_writes_all_or_nothing_and_copies_no_other_item(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, keys: Mapping[str, str]
) -> None:
    table, dynamodb = f"entries-{len(keys)}", aws.client("dynamodb")
    create_table(aws, table, keys)
    copied = []
    copy_of = Item.__deepcopy__

    def copying(item: Item, memo: dict[int, Any]) -> Item:
        copied.append(item)
        return copy_of(item, memo)

    monkeypatch.setattr(Item, "__deepcopy__", copying)

    def key(number: int) -> dict[str, Any]:
        return {name: {"S": str(number)} for name in keys}

    def write(last: int) -> None:
        """Change item 1, put item 100, and put the last if it is not there."""
        change = {
            "Key": key(1),
            "UpdateExpression": "SET changed = :true",
            "ExpressionAttributeValues": {":true": {"BOOL": True}},
        }
        free = {"ConditionExpression": "attribute_not_exists(pk)"}
        dynamodb.transact_write_items(
            TransactItems=[
                {"Update": {"TableName": table, **change}},
                {"Put": {"TableName": table, "Item": key(100)}},
                {"Put": {"TableName": table, "Item": key(last), **free}},
            ]
        )

    def found() -> dict[str, bool]:
        items = dynamodb.scan(TableName=table)["Items"]
        return {item["pk"]["S"]: "changed" in item for item in items}

    for number in range(50):
        dynamodb.put_item(TableName=table, Item=key(number))
    before = found()

    with transactions_that_copy_what_they_touch():
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            write(last=2)
        assert found() == before
        copied.clear()
        write(last=101)
        assert len(copied) < 10

    assert found() == before | {"1": True, "100": False, "101": False}


def test_a_query_finds_what_is_in_its_partition_and_no_more(aws: Aws) -> None:
    create_table(aws, "many", {"pk": "HASH", "sk": "RANGE"})
    table = Table(aws.client("dynamodb"), "many")
    for partition in ("a", "b"):
        for number in (2, 10, 1):
            table.put({"pk": partition, "sk": f"{number:02}"})

    def query(**more: Any) -> list[str]:
        answer = aws.client("dynamodb").query(
            TableName="many",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "b"}},
            **more,
        )
        return [item["pk"]["S"] + item["sk"]["S"] for item in answer["Items"]]

    with fit_for_many_items():
        assert query() == ["b01", "b02", "b10"]
        assert query(ScanIndexForward=False, Limit=2) == ["b10", "b02"]
        scanned = aws.client("dynamodb").scan(TableName="many")["Items"]
        assert [item["pk"]["S"] for item in scanned] == [*"aaabbb"]


def test_a_query_looks_at_no_other_partition(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    create_table(aws, "parts", {"pk": "HASH", "sk": "RANGE"})
    table = Table(aws.client("dynamodb"), "parts")
    for partition in ("a", "b"):
        table.put({"pk": partition, "sk": "1"})
    seen: list[Any] = []
    comparing = DynamoType.__eq__

    def equal(one: DynamoType, other: DynamoType) -> bool:
        seen.append(other)
        return comparing(one, other)

    monkeypatch.setattr(DynamoType, "__eq__", equal)
    with fit_for_many_items():
        aws.client("dynamodb").query(
            TableName="parts",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "b"}},
        )
    assert "a" not in [value.value for value in seen]


def test_every_kind_of_value_is_answered_as_it_was_put(aws: Aws) -> None:
    create_table(aws, "kinds", {"pk": "HASH"})
    item: Any = {
        "pk": {"S": "1"},
        "number": {"N": "1.5"},
        "yes": {"BOOL": True},
        "none": {"NULL": True},
        "bytes": {"B": b"\x00\xff"},
        "texts": {"SS": ["a", "b"]},
        "list": {"L": [{"S": "a"}, {"M": {"deep": {"B": b"x"}}}]},
        "map": {"M": {"a": {"L": [{"N": "1"}]}, "empty": {"S": ""}}},
    }
    aws.client("dynamodb").put_item(TableName="kinds", Item=item)

    with fit_for_many_items():
        assert (
            aws.client("dynamodb").get_item(TableName="kinds", Key={"pk": {"S": "1"}})["Item"]
            == item
        )


def test_the_text_of_an_update_is_parsed_once_and_means_for_each_item_what_it_says(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_table(aws, "updates", {"pk": "HASH"})
    parsed: list[str] = []
    tokens_of = ExpressionTokenizer.make_list

    def tokens(text: str) -> Any:
        parsed.append(text)
        return tokens_of(text)

    monkeypatch.setattr(ExpressionTokenizer, "make_list", tokens)
    text = "SET n = if_not_exists(n, :n), l = list_append(if_not_exists(l, :none), :l) REMOVE gone"

    def update(pk: str, value: str) -> Any:
        values = {":n": {"N": value}, ":l": {"L": [{"S": value}]}, ":none": {"L": []}}
        return aws.client("dynamodb").update_item(
            TableName="updates",
            Key={"pk": {"S": pk}},
            UpdateExpression=text,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
        )["Attributes"]

    with fit_for_many_items():
        for pk, value in (("a", "1"), ("b", "2"), ("a", "3"), ("b", "4")):
            update(pk, value)
        a, b = update("a", "5"), update("b", "6")
        parses = len(parsed)

    assert (a["n"]["N"], [each["S"] for each in a["l"]["L"]]) == ("1", ["1", "3", "5"])
    assert (b["n"]["N"], [each["S"] for each in b["l"]["L"]]) == ("2", ["2", "4", "6"])
    assert parses <= 2
