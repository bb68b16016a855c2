"""A fault does what it says to the call that it is planned for, and to no other."""

from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from openai import OpenAI

from functions.clients import aws
from functions.clients.dynamodb import Put, Table
from functions.clients.openai import OpenAIService
from functions.clients.secrets import Secret
from functions.errors import AwsUnavailableError, OpenAIUnavailableError
from tests.faults.deployed import OPENAI_KEY, PINECONE_KEY
from tests.faults.seam import CrashedError, Fault, Point
from tests.faults.world import World
from tests.pinecone_sdk import open_index

pytestmark = pytest.mark.faults

FUNCTION = "a-function"
PUT = Point(FUNCTION, "dynamodb.put_item", 1)
UPLOAD = Point(FUNCTION, "openai.files.create", 1)
KEY = {"pk": "REQUEST#1", "sk": "REQUEST"}


def ledger(world: World) -> Table:
    return Table.named(world.stack.output("ingestLedgerTableName"))


def openai(world: World) -> OpenAIService:
    arn = world.stack.functions["documents-ingest"].environment["OPENAI_API_KEY_SECRET_ARN"]
    return OpenAIService(Secret(arn), base_url=world.openai.base_url, timeout_seconds=5)


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [
        (Fault.CRASH_BEFORE, False),
        (Fault.CRASH_AFTER, True),
        (Fault.TIMEOUT, False),
        (Fault.LOST_ANSWER, True),
        (Fault.THROTTLE, False),
        (Fault.SERVER_ERROR, False),
    ],
)
def test_a_call_fails_before_or_after_its_effect(world: World, fault: Fault, is_done: bool) -> None:
    table = ledger(world)
    world.seam.planned[PUT] = fault
    expected = CrashedError if "crash" in fault else AwsUnavailableError

    with world.seam.at_work(FUNCTION, 60), pytest.raises(expected):
        table.put(KEY)

    assert world.seam.happened == [(PUT, fault)]
    with world.seam.at_work("another", 60):
        assert (table.get(KEY) is not None) == is_done


def test_an_answer_that_is_lost_on_the_wire_has_botocore_ask_again(world: World) -> None:
    table = ledger(world)
    world.seam.planned[PUT] = Fault.SENT_AGAIN
    sent: list[str] = []
    world.seam.note_request = sent.append  # type: ignore[assignment]

    with world.seam.at_work(FUNCTION, 60):
        assert table.put(KEY)

    assert len(sent) == 2


def test_an_answer_that_is_lost_on_the_wire_has_the_openai_sdk_ask_again(world: World) -> None:
    service = openai(world)
    world.seam.planned[UPLOAD] = Fault.SENT_AGAIN

    with world.seam.at_work(FUNCTION, 60):
        file_id = service.upload_file("a.md", b"text", "text/markdown")

    assert len(world.openai.files) == 2
    assert file_id in world.openai.files


def test_a_call_that_is_never_tried_twice_is_not(world: World) -> None:
    service = openai(world)
    world.seam.planned[Point(FUNCTION, "openai.vector_stores.create", 1)] = Fault.SENT_AGAIN

    with world.seam.at_work(FUNCTION, 60), pytest.raises(OpenAIUnavailableError):
        service.create_vector_store("news", expires_after_days=None)

    assert len(world.openai.vector_stores) == 1


def test_a_process_that_has_crashed_does_nothing_any_more(world: World) -> None:
    table = ledger(world)
    world.seam.planned[PUT] = Fault.CRASH_BEFORE

    with world.seam.at_work(FUNCTION, 60):
        with pytest.raises(CrashedError):
            table.put(KEY)
        with pytest.raises(CrashedError):
            table.put(KEY)

    with world.seam.at_work("another", 60):
        assert table.get(KEY) is None


def test_a_process_is_killed_when_its_time_is_up(world: World) -> None:
    table = ledger(world)

    with world.seam.at_work(FUNCTION, 60):
        world.clock.pass_by(61)
        with pytest.raises(CrashedError):
            table.put(KEY)


def test_the_number_of_a_call_counts_those_of_its_function_and_name(world: World) -> None:
    table = ledger(world)
    world.seam.planned[Point(FUNCTION, "dynamodb.put_item", 2)] = Fault.THROTTLE

    with world.seam.at_work("another", 60):
        table.put(KEY)
        table.put(KEY)
    with world.seam.at_work(FUNCTION, 60):
        table.get(KEY)
        table.put(KEY)
        with pytest.raises(AwsUnavailableError):
            table.put(KEY)
        table.put(KEY)


def test_another_worker_can_do_something_between_two_calls(world: World) -> None:
    table = ledger(world)

    def meanwhile(_: Point) -> None:
        world.seam.between = None
        with world.seam.at_work("another", 60):
            table.put(KEY | {"by": "another"})

    world.seam.between = meanwhile
    with world.seam.at_work(FUNCTION, 60):
        item: Any = table.get(KEY)

    assert item["by"] == "another"


def test_a_request_that_no_call_has_made_is_noticed(world: World) -> None:
    table = world.stack.output("ingestLedgerTableName")

    with world.seam.at_work(FUNCTION, 60):
        aws.client("dynamodb").describe_table(TableName=table)

    [unseen] = world.seam.unseen
    assert unseen.startswith(f"{FUNCTION}: POST https://dynamodb")


def test_so_is_one_to_openai(world: World) -> None:
    with (
        OpenAI(base_url=world.openai.base_url, api_key=OPENAI_KEY) as client,
        world.seam.at_work(FUNCTION, 60),
    ):
        client.files.list()

    assert world.seam.unseen == [f"{FUNCTION}: GET {world.openai.base_url}/files"]


def test_so_is_one_to_pinecone(world: World) -> None:
    with open_index(world.pinecone.host, PINECONE_KEY) as index, world.seam.at_work(FUNCTION, 60):
        index.fetch(ids=["a"], namespace="words")

    [unseen] = world.seam.unseen
    assert unseen.startswith(f"{FUNCTION}: GET {world.pinecone.host}/vectors/fetch")


def test_a_transaction_that_is_sent_again_is_the_same_one(world: World) -> None:
    transaction = Point(FUNCTION, "dynamodb.transact_write_items", 1)
    world.seam.planned[transaction] = Fault.SENT_AGAIN

    with world.seam.at_work(FUNCTION, 60):
        refused = ledger(world).write_all([Put(item=KEY, when=Attr("pk").not_exists())])

    assert world.seam.happened == [(transaction, Fault.SENT_AGAIN)]
    assert not refused


def test_what_is_done_unnoticed_is_not_counted_and_does_not_go_wrong(world: World) -> None:
    table = ledger(world)
    world.seam.planned[PUT] = Fault.THROTTLE

    with world.seam.at_work(FUNCTION, 60):
        with world.seam.unnoticed():
            table.put(KEY)
        assert not world.seam.made
        with pytest.raises(AwsUnavailableError):
            table.put(KEY)

    assert world.seam.happened == [(PUT, Fault.THROTTLE)]
