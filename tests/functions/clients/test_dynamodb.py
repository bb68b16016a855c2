"""One table: plain values, conditions that may fail, and transactions that meet."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from functions.clients.dynamodb import Put, Table, Update
from functions.errors import AwsRejectedError, AwsUnavailableError
from tests.functions.conftest import MakeTable

KEY = {"pk": "REQUEST#1", "sk": "REQUEST"}


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("ledger")


@pytest.fixture
def broken(table: Table) -> Iterator[Stubber]:
    """DynamoDB answers what it is told to, once each."""
    with Stubber(table._client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def cancelled(broken: Stubber, codes: Sequence[str]) -> None:
    """The next transaction is cancelled for these reasons, one for each item."""
    broken.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        f"Transaction cancelled: {codes}",
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )


def test_an_item_comes_back_as_it_was_put(table: Table) -> None:
    item = KEY | {
        "none": None,
        "text": "Käse",
        "list": ["a", {"b": []}],
        "map": {"a": {"b": True}},
        "number": 7,
    }

    assert table.put(item)

    assert table.get(KEY) == item | {"number": Decimal(7)}
    assert table.get(KEY | {"sk": "OTHER"}) is None


def test_a_put_writes_the_whole_item_anew(table: Table) -> None:
    table.put(KEY | {"upload": "file-1"})

    assert table.put(KEY | {"status": "WORKING"})

    assert table.get(KEY) == KEY | {"status": "WORKING"}


def test_a_put_whose_condition_does_not_hold_writes_nothing(table: Table) -> None:
    new = Attr("pk").not_exists()
    assert table.put(KEY | {"owner": "first"}, when=new)

    assert not table.put(KEY | {"owner": "second"}, when=new)

    assert table.get(KEY) == KEY | {"owner": "first"}


def test_an_update_sets_and_removes_attributes_and_keeps_the_rest(table: Table) -> None:
    # status, owner and name are words of DynamoDB's own
    table.put(KEY | {"status": "WORKING", "owner": "first", "name": "a", "kept": 1})

    assert table.update(KEY, {"status": "DONE", "name": "b"}, remove=("owner", "never-there"))

    assert table.get(KEY) == KEY | {"status": "DONE", "name": "b", "kept": 1}


def test_an_update_whose_condition_does_not_hold_changes_nothing(table: Table) -> None:
    table.put(KEY | {"owner": "first", "status": "WORKING"})
    second = Attr("owner").eq("second") & Attr("status").eq("WORKING")
    first = Attr("owner").eq("first") & Attr("status").eq("WORKING")

    assert not table.update(KEY, {"status": "DONE"}, remove=("owner",), when=second)
    assert table.get(KEY) == KEY | {"owner": "first", "status": "WORKING"}
    assert table.update(KEY, {"status": "DONE"}, remove=("owner",), when=first)
    assert table.get(KEY) == KEY | {"status": "DONE"}


def test_a_delete_whose_condition_does_not_hold_deletes_nothing(table: Table) -> None:
    table.put(KEY | {"owner": "first"})

    assert not table.delete(KEY, when=Attr("owner").eq("second"))
    assert table.get(KEY) is not None
    assert table.delete(KEY, when=Attr("owner").eq("first"))
    assert table.get(KEY) is None
    assert table.delete(KEY)


def test_a_query_reads_every_page_of_its_partition_and_no_other(table: Table) -> None:
    # A page holds one megabyte.
    for number in range(4):
        table.put({"pk": "WORKER#a", "sk": f"BATCH#{number}", "filler": "x" * 390_000})
    table.put({"pk": "WORKER#b", "sk": "BATCH#0"})

    found = table.query(Key("pk").eq("WORKER#a"))

    assert [item["sk"] for item in found] == [f"BATCH#{number}" for number in range(4)]
    assert list(table.query(Key("pk").eq("WORKER#nobody"))) == []


def test_a_transaction_writes_all_of_its_items(table: Table) -> None:
    other = KEY | {"sk": "OTHER"}
    table.put(other | {"version": 1})

    assert not table.write_all(
        [
            Put(item=KEY | {"version": 1}, when=Attr("pk").not_exists()),
            Put(item=other | {"version": 2}, when=Attr("version").eq(1)),
        ]
    )

    assert table.get(KEY) == KEY | {"version": 1}
    assert table.get(other) == other | {"version": 2}


def test_a_transaction_with_one_condition_that_does_not_hold_writes_nothing(table: Table) -> None:
    other = KEY | {"sk": "OTHER"}
    table.put(other | {"version": 1})

    refused = table.write_all(
        [
            Put(item=KEY | {"version": 1}),
            Put(item=other | {"version": 2}, when=Attr("version").eq(7)),
        ]
    )

    assert refused == {1}

    assert table.get(KEY) is None
    assert table.get(other) == other | {"version": 1}


def test_a_transaction_changes_and_adds_to_items(table: Table) -> None:
    table.put(KEY | {"status": "WORKING", "lease": "a", "tokens": 5})

    refused = table.write_all(
        [
            Update(
                key=KEY,
                changes={"status": "DONE"},
                remove=["lease"],
                add={"tokens": -2},
                when=Attr("status").eq("WORKING"),
            ),
            Update(key=KEY | {"sk": "OTHER"}, add={"tokens": 3}),
        ]
    )

    assert not refused
    assert table.get(KEY) == KEY | {"status": "DONE", "tokens": 3}
    assert table.get(KEY | {"sk": "OTHER"}) == KEY | {"sk": "OTHER", "tokens": 3}


def test_a_query_gives_only_the_attributes_that_are_wanted(table: Table) -> None:
    table.put(KEY | {"status": "DONE", "filler": "x"})

    assert list(table.query(Key("pk").eq(KEY["pk"]), only=["status"])) == [{"status": "DONE"}]


def test_a_query_is_read_as_far_as_it_is_used(table: Table) -> None:
    for number in range(3):
        table.put(KEY | {"sk": f"{number}"})

    pages = table.query(Key("pk").eq(KEY["pk"]), page_size=1)

    assert next(pages)["sk"] == "0"
    table.delete(KEY | {"sk": "1"})
    assert [item["sk"] for item in pages] == ["2"]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that are waited between tries, and take no time."""
    found: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", found.append)
    return found


PASSING = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]


@pytest.mark.parametrize("code", PASSING)
def test_a_transaction_that_was_throttled_or_met_another_is_tried_again(
    table: Table, broken: Stubber, waits: list[float], code: str
) -> None:
    for _ in range(9):
        cancelled(broken, ["None", code])
    broken.add_response("transact_write_items", {})

    assert not table.write_all([Put(item=KEY), Put(item=KEY | {"sk": "OTHER"})])
    assert len(waits) == 9


@pytest.mark.parametrize("code", PASSING)
def test_a_transaction_that_comes_at_a_bad_moment_each_time_is_unavailable(
    table: Table, broken: Stubber, waits: list[float], code: str
) -> None:
    for _ in range(10):
        cancelled(broken, ["None", code])

    with pytest.raises(AwsUnavailableError, match="TransactionCanceledException"):
        table.write_all([Put(item=KEY), Put(item=KEY | {"sk": "OTHER"})])
    assert sum(waits) < 20


def test_a_condition_that_failed_beside_a_conflict_is_an_answer(
    table: Table, broken: Stubber
) -> None:
    cancelled(broken, ["ConditionalCheckFailed", "TransactionConflict"])

    assert table.write_all([Put(item=KEY), Put(item=KEY | {"sk": "OTHER"})]) == {0}


def test_a_transaction_that_breaks_a_rule_is_rejected(table: Table) -> None:
    with pytest.raises(AwsRejectedError):
        table.write_all([Put(item=KEY), Put(item=KEY)])


OPERATIONS: dict[str, Callable[[Table], object]] = {
    "get_item": lambda table: table.get(KEY),
    "query": lambda table: list(table.query(Key("pk").eq("REQUEST#1"))),
    "put_item": lambda table: table.put(KEY),
    "update_item": lambda table: table.update(KEY, {"status": "DONE"}),
    "delete_item": lambda table: table.delete(KEY),
    "transact_write_items": lambda table: table.write_all([Put(item=KEY)]),
}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ProvisionedThroughputExceededException", 400, AwsUnavailableError),
        ("ThrottlingException", 400, AwsUnavailableError),
        ("InternalServerError", 500, AwsUnavailableError),
        ("ServiceUnavailable", 503, AwsUnavailableError),
        ("AccessDeniedException", 400, AwsRejectedError),
        ("ValidationException", 400, AwsRejectedError),
    ],
)
def test_every_operations_failure_is_retryable_or_final(
    table: Table, broken: Stubber, code: str, status: int, kind: type[Exception]
) -> None:
    for name, operation in OPERATIONS.items():
        broken.add_client_error(name, code, http_status_code=status)
        with pytest.raises(kind, match=code):
            operation(table)


def test_no_answer_to_whatever_operation_is_unavailable(table: Table) -> None:
    def no_answer(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.eu-central-1.amazonaws.com")

    table._client.meta.events.register("before-call", no_answer)

    for operation in OPERATIONS.values():
        with pytest.raises(AwsUnavailableError, match="Read timeout"):
            operation(table)


def test_a_table_that_is_not_there_is_rejected(aws: None) -> None:
    with pytest.raises(AwsRejectedError, match="ResourceNotFoundException"):
        Table.named("missing").get(KEY)
