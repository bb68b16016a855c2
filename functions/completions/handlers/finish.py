"""``Finish`` of ``CompletionPollFlow``."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients.dynamodb import Table
from functions.completions.collection.finishing import finish
from functions.completions.messages import CompletionBatch
from functions.environment import LabelEnvironment
from functions.observability import identify, observed


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str]:
    """``done`` once the batch is at its end; CountsDisagreeError if it is not yet."""
    batch = CompletionBatch.parse(event)
    identify(batch_id=batch.batch_id)
    finish(_table(), batch_id=batch.batch_id, now=time.time())
    return {"outcome": "done"}


@cache
def _table() -> Table:
    return Table.named(LabelEnvironment.load().label_table)
