"""Batches of label requests, as the label table has them."""

from collections.abc import Sequence

from boto3.dynamodb.conditions import Key

from functions.clients.dynamodb import Table
from functions.completions.batches import BatchSummary
from functions.completions.vocabulary import BatchStatus, BatchType
from functions.errors import InvalidItemError
from ops.items import read_items
from ops.stack import Stack


def pending_batches(table: Table) -> tuple[list[BatchSummary], list[str]]:
    """Those whose jobs OpenAI has, a moment behind the table, and why others cannot be read."""
    ours = Key("GSI1SK").begins_with(f"BATCH_TYPE#{BatchType.COMPLETION}#")
    key = Key("GSI1PK").eq(f"STATUS#{BatchStatus.PENDING}") & ours
    batches, broken = [], []
    for item in table.query(key, index="GSI1"):
        try:
            batches.append(BatchSummary.from_item(item))
        except InvalidItemError as error:
            broken.append(str(error))
    return batches, broken


def same_batches(stack: Stack, batches: Sequence[BatchSummary]) -> list[BatchSummary]:
    """The batches as they are now. InvalidItemError."""
    keys = [(batch.key["PK"], batch.key["SK"]) for batch in batches]
    items = read_items(
        stack.client("dynamodb"), stack.outputs.label_table_name, keys, names=("PK", "SK")
    )
    return [BatchSummary.from_item(items[key]) for key in keys if key in items]
