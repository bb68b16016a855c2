"""The environment variables of each function, read once, on its first call, into a typed model."""

import os
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from functions.errors import InvalidMessageError


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

    openai_api_key_secret_arn: str
    openai_base_url: str | None = None


class QueueEnvironment(OpenAIEnvironment):
    """What every function behind a queue needs."""

    queue_url: str
    retry_delay_seconds: int


class IngestEnvironment(QueueEnvironment):
    """What ``functions.ingest.handler`` reads."""

    ingest_ledger_table: str
    vector_store_batch_flow_arn: str
    fallback_model: str
    vector_store_batch_max_files: int
    vector_store_expires_after_days: int | None = None
    ingest_refresh_after_seconds: int
    download_max_bytes: int
    download_timeout_seconds: float
    download_min_characters: int
    download_ports: str
    """Comma-separated."""
    download_allow_loopback: bool


class CheckBatchEnvironment(OpenAIEnvironment):
    """What ``functions.vector_store_batch.handler`` reads."""

    ingest_ledger_table: str


class MarketAnalysisEnvironment(QueueEnvironment):
    """What ``functions.market_analysis.handler`` reads."""

    analyses_table: str
    analysis_model: str


class LabelEnvironment(Environment):
    """What every function of the label-completion flow needs."""

    label_table: str


class SubmitEnvironment(OpenAIEnvironment, LabelEnvironment):
    """What ``functions.completions.handlers.submit`` reads."""

    batch_bucket: str
    completion_model: str
    completion_batch_max_requests: int
    completion_batch_max_bytes: int
    completion_max_enqueued_tokens: int | None = None


class ListPendingEnvironment(OpenAIEnvironment, LabelEnvironment):
    """What ``functions.completions.handlers.list_pending`` reads."""

    completion_poll_max_batches: int
    completion_validating_timeout_seconds: int
    projection_enabled: bool


class CollectEnvironment(OpenAIEnvironment, LabelEnvironment):
    """What ``functions.completions.handlers.collect`` reads."""

    batch_bucket: str


class ApplyEnvironment(LabelEnvironment):
    """What ``functions.completions.handlers.apply`` reads."""

    batch_bucket: str
    completion_max_attempts: int


class ProjectEnvironment(LabelEnvironment):
    """What ``functions.completions.handlers.project`` reads."""

    pinecone_api_key_secret_arn: str
    pinecone_index_host: str
    pinecone_namespace: str
    pinecone_updates_per_second: int


class ReconcileEnvironment(OpenAIEnvironment, LabelEnvironment):
    """What ``functions.completions.handlers.reconcile`` reads."""

    batch_bucket: str
