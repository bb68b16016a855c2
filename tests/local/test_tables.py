"""moto's tables under many threads."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from functions.clients.dynamodb import Table
from local.aws import Aws
from local.tables import one_call_at_a_time

WORKERS, ITEMS = 6, 60


@pytest.mark.usefixtures("impatient_threads")
def test_of_workers_that_put_an_item_only_if_it_is_not_there_one_succeeds(aws: Aws) -> None:
    resource: Any = aws.client("dynamodb")
    resource.create_table(
        TableName="claims",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def claims(worker: int) -> int:
        client: Any = aws.client("dynamodb")
        won = 0
        for number in range(ITEMS):
            item: Any = {"pk": {"S": str(number)}, "owner": {"S": str(worker)}}
            won += Table(client, "claims").put(item, when=Attr("pk").not_exists())
        return won

    with one_call_at_a_time(), ThreadPoolExecutor(WORKERS) as threads:
        assert sum(threads.map(claims, range(WORKERS))) == ITEMS
