"""Deletes documents at OpenAI that belong to nothing; run on a schedule."""

import time
from dataclasses import asdict
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients.dynamodb import Table
from functions.clients.openai_files import DocumentFiles
from functions.clients.secrets import Secret
from functions.environment import FileSweepEnvironment
from functions.observability import observed
from functions.sweep.sweeping import Sweep

_OPENAI_TIMEOUT_SECONDS = 30
# A call and its second try, and the two minutes that OpenAI may ask to wait for between them; and
# once more, for what is looked up ahead.
_RESERVE_SECONDS = 2 * (2 * _OPENAI_TIMEOUT_SECONDS + 120)


@observed
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """How many files were deleted; ``remaining`` if the next run goes on where this one ended."""
    table, files = _collaborators()
    sweep = Sweep(
        table,
        files,
        now=time.time(),
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        reserve_seconds=_RESERVE_SECONDS,
    )
    return asdict(sweep.run())


@cache
def _collaborators() -> tuple[Table, DocumentFiles]:
    environment = FileSweepEnvironment.load()
    files = DocumentFiles(
        Secret(environment.openai_api_key_secret_arn),
        base_url=environment.openai_base_url,
        timeout_seconds=_OPENAI_TIMEOUT_SECONDS,
    )
    return Table.named(environment.ingest_ledger_table), files
