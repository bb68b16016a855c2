"""The benchmarks' DynamoDB holds real state, and refuses as the real one does."""

from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, ConditionBase, Key
from botocore.exceptions import ClientError

from benchmarks.servers.dynamodb import Refused, Tables
from functions.clients.dynamodb import Put, Table, Update
from functions.errors import AwsRejectedError

KEY = {"PK": "a", "SK": "1"}


class Client:
    """boto3's client as far as ``Table`` calls it, in this process."""

    def __init__(self) -> None:
        self.tables = Tables()

    def __getattr__(self, method: str) -> Any:
        operation = "".join(part.capitalize() for part in method.split("_"))

        def call(**request: Any) -> dict[str, Any]:
            try:
                return self.tables.answer(operation, request)
            except Refused as refused:
                code = refused.answer["__type"].partition("#")[2]
                answer: Any = {"Error": {"Code": code}, **refused.answer}
                raise ClientError(answer, operation) from None

        return call


@pytest.fixture
def table() -> Table:
    client: Any = Client()
    return Table(client, "labels")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Attr("PK").not_exists(), False),
        (Attr("owner").not_exists(), True),
        (Attr("status").eq("PENDING") & Attr("batch_id").eq("b"), True),
        (Attr("status").eq("PENDING") & Attr("batch_id").eq("c"), False),
        (Attr("owner").eq("me"), False),
        (Attr("owner").not_exists() | Attr("until").lte(5) | Attr("owner").eq("me"), True),
        (Attr("status").eq("NONE") | (Attr("until").lte(10) & Attr("until").gt(8)), True),
        (Attr("until").lt(9), False),
    ],
)
def test_what_a_condition_is_about_is_written_if_it_holds(
    table: Table, condition: ConditionBase, expected: bool
) -> None:
    item = KEY | {"status": "PENDING", "batch_id": "b", "until": 9}
    table.put(item)

    assert table.put(item | {"written": True}, when=condition) is expected
    assert table.get(KEY) == (item | {"written": True} if expected else item)


def test_an_update_sets_and_removes(table: Table) -> None:
    table.put(KEY | {"batch_id": "b", "status": "PENDING", "kept": 1})

    assert table.update(KEY, {"status": "NONE", "attempts": 2}, remove=["batch_id"])

    assert table.get(KEY) == KEY | {"status": "NONE", "attempts": 2, "kept": 1}


def test_a_transaction_is_whole_or_not_at_all(table: Table) -> None:
    table.put(KEY | {"status": "PENDING"})
    new, second = Attr("PK").not_exists(), KEY | {"SK": "2"}

    refused = table.write_all([Put(item=second), Put(item=KEY, when=new)])

    assert refused == {1}
    assert table.get(second) is None
    assert not table.write_all([Update(key=KEY, changes={"status": "VALID"}), Put(item=second)])
    assert [table.get(KEY), table.get(second)] == [KEY | {"status": "VALID"}, second]


def test_a_transaction_has_no_two_actions_on_an_item(table: Table) -> None:
    with pytest.raises(AwsRejectedError, match="ValidationException"):
        table.write_all([Put(item=KEY), Put(item=KEY)])


def test_a_query_has_what_it_asked_for_in_order(table: Table) -> None:
    for sk, index in (("LABEL#2", "b"), ("LABEL#1", "a"), ("OTHER", "c")):
        table.put({"PK": "a", "SK": sk, "GSI1PK": "STATUS", "GSI1SK": index})
    table.put({"PK": "b", "SK": "LABEL#3"})

    begun = table.query(Key("PK").eq("a") & Key("SK").begins_with("LABEL#"), only=["SK"])

    assert list(begun) == [{"SK": "LABEL#1"}, {"SK": "LABEL#2"}]
    assert [item["SK"] for item in table.query(Key("GSI1PK").eq("STATUS"), index="GSI1")] == [
        "LABEL#1",
        "LABEL#2",
        "OTHER",
    ]


def test_a_query_is_read_page_by_page(table: Table) -> None:
    for number in range(4):
        table.put({"PK": "a", "SK": f"{number}", "filler": "x" * 390_000})

    answer = _tables(table).answer(
        "Query",
        {
            "TableName": "labels",
            "KeyConditionExpression": "PK = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "a"}},
        },
    )

    assert len(answer["Items"]) < 4
    assert [item["SK"] for item in table.query(Key("PK").eq("a"))] == [*"0123"]


def _tables(table: Table) -> Tables:
    client: Any = table._client
    tables: Tables = client.tables
    return tables
