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
