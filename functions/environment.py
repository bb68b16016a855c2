"""The environment variables of each function, read once, on its first call, into a typed model."""

import os
from decimal import Decimal
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from functions.errors import InvalidMessageError


def _split(ports: str) -> list[str]:
    return ports.split(",")


Text = Annotated[str, StringConstraints(min_length=1)]
# Beyond these, something further on would trip over them.
Count = Annotated[int, Field(ge=1, le=10**15)]
NoneOrMore = Annotated[int, Field(ge=0, le=10**15)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Usd = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)]
Ports = Annotated[
    frozenset[Annotated[int, Field(ge=1, le=65_535)]],
    BeforeValidator(_split, json_schema_input_type=str),
]


class Environment(BaseModel):
    """Variables named as the fields, in capitals."""

    model_config = ConfigDict(alias_generator=str.upper, frozen=True, extra="ignore")

    @classmethod
    def load(cls) -> Self:
        """Read the process's environment; InvalidMessageError names what is missing or wrong."""
        try:
            return cls.model_validate(dict(os.environ))
        except ValidationError as error:
            wrong = ", ".join(str(detail["loc"][0]) for detail in error.errors())
            raise InvalidMessageError(
                f"environment variables missing or wrong: {wrong}; infra/ sets them"
            ) from None


class OpenAIEnvironment(Environment):
    """What every function that calls OpenAI needs."""

    openai_api_key_secret_arn: Text
    openai_base_url: Text | None = None


class QueueEnvironment(OpenAIEnvironment):
    """What every function behind a queue needs."""

    queue_url: Text
    retry_delay_seconds: NoneOrMore


class IngestEnvironment(QueueEnvironment):
    """What ``functions.ingest.handler`` reads."""

    ingest_ledger_table: Text
    vector_store_batch_flow_arn: Text
    fallback_model: Text
    vector_store_batch_max_files: Count
    vector_store_expires_after_days: Count | None = None
    ingest_refresh_after_seconds: NoneOrMore
    download_max_bytes: Count
    download_timeout_seconds: Seconds
    download_min_characters: NoneOrMore
    download_ports: Ports
    """Comma-separated."""
    download_allow_loopback: bool


class CheckBatchEnvironment(OpenAIEnvironment):
    """What ``functions.vector_store_batch.handler`` reads."""

    ingest_ledger_table: Text


class FileSweepEnvironment(OpenAIEnvironment):
    """What ``functions.sweep.handler`` reads."""

    ingest_ledger_table: Text


class MarketAnalysisEnvironment(QueueEnvironment):
    """What ``functions.market_analysis.handler`` reads."""

    analyses_table: Text
    analysis_model: Text


class LabelEnvironment(Environment):
    """What every function of the label-completion flow needs."""

    label_table: Text


class SubmitEnvironment(OpenAIEnvironment, LabelEnvironment):
    """What ``functions.completions.handlers.submit`` reads."""

    batch_bucket: Text
    completion_model: Text
    completion_batch_max_requests: Count
    completion_batch_max_bytes: Count
    completion_max_enqueued_tokens: Count | None = None
    completion_max_cost_usd: Usd | None = None


class ListPendingEnvironment(OpenAIEnvironment, LabelEnvironment):
    """What ``functions.completions.handlers.list_pending`` reads."""

    completion_poll_max_batches: Count
    completion_validating_timeout_seconds: Count
    projection_enabled: bool


class CollectEnvironment(OpenAIEnvironment, LabelEnvironment):
    """What ``functions.completions.handlers.collect`` reads."""

    batch_bucket: Text


class ApplyEnvironment(LabelEnvironment):
    """What ``functions.completions.handlers.apply`` reads."""

    batch_bucket: Text
    completion_max_attempts: Count


class ProjectEnvironment(LabelEnvironment):
    """What ``functions.completions.handlers.project`` reads."""

    pinecone_api_key_secret_arn: Text
    pinecone_index_host: Text
    pinecone_namespace: Text
    pinecone_updates_per_second: Annotated[int, Field(ge=1, le=10_000)]


class ReconcileEnvironment(OpenAIEnvironment, LabelEnvironment):
    """What ``functions.completions.handlers.reconcile`` reads."""

    batch_bucket: Text


class WebhookEnvironment(Environment):
    """What ``functions.webhooks.handler`` reads."""

    webhook_secret_arn: Text
    completion_poll_flow_arn: Text
