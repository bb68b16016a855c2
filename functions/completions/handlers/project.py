"""``Project`` of ``CompletionPollFlow``."""

import time
from dataclasses import asdict
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients.dynamodb import Table
from functions.clients.pinecone import VectorIndex
from functions.clients.secrets import Secret
from functions.completions.projection.pace import Pace
from functions.completions.projection.projecting import Projected, project
from functions.environment import ProjectEnvironment
from functions.errors import LeaseHeldError
from functions.observability import logger, observed

_PINECONE_TIMEOUT_SECONDS = 5


@observed
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Bring Pinecone in line with the label table; ``remaining`` asks to be called again."""
    environment, table, index = _collaborators()
    pace = Pace(environment.pinecone_updates_per_second)
    deadline = time.time() + context.get_remaining_time_in_millis() / 1000
    try:
        done = project(table, index, deadline=deadline, pace=pace)
    except LeaseHeldError:
        # Whoever holds it works on these marks too; one made after its last look, the next run.
        logger().info("words are being projected already")
        done = Projected(projected=0, missing=0, failed=0, remaining=False)
    return asdict(done)


@cache
def _collaborators() -> tuple[ProjectEnvironment, Table, VectorIndex]:
    environment = ProjectEnvironment.load()
    index = VectorIndex(
        Secret(environment.pinecone_api_key_secret_arn),
        host=environment.pinecone_index_host,
        namespace=environment.pinecone_namespace,
        timeout_seconds=_PINECONE_TIMEOUT_SECONDS,
    )
    return environment, Table.named(environment.label_table), index
