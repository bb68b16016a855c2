"""The stack's configuration: the only module that reads ``pulumi.Config``.

``Pulumi.yaml`` declares the keys with their defaults, which the engine fills in before the program
runs. Here each value gets its bounds, and combinations that cannot work are refused, with the line
that mends them.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import pulumi
import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from infra.arguments import CompletionSchedules, CompletionSettings
from infra.checked import LogRetentionDays, OpenAIUrl, PineconeHost, Port, Usd
from infra.combinations import impossible_combinations
from infra.monitoring.subscribers import Subscribers
from infra.problems import Problem
from infra.state_machines import CompletionPolling, Polling

_PROJECT_FILE = Path(__file__).parent.parent / "Pulumi.yaml"
# What every service takes in a tag's value; "aws:" is AWS's own, so no colon.
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAG = r"^[A-Za-z0-9_.=+@/-]([A-Za-z0-9 _.=+@/-]*[A-Za-z0-9_.=+@/-])?$"


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


_SECRETS = ("openaiApiKey", "pineconeApiKey", "webhookSecret")
_UNPROJECTED = (
    "Words are not projected to Pinecone, as pineconeApiKey is not set.\n"
    f"    {Problem.missing_secret('pineconeApiKey').line}"
)


class SettingsError(pulumi.RunError):
    """The stack's configuration is wrong; the message says which keys and how to mend them."""


class Settings(BaseModel):
    """The configuration of one stack, checked."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="forbid")

    stack: str
    openai_api_key: Any
    """A secret output."""
    pinecone_api_key: Any
    """A secret output; None where words are not projected to Pinecone."""
    webhook_secret: Any
    """A secret output; None where OpenAI's webhooks are not listened to."""

    vector_store_poll_interval_seconds: int = Field(ge=1, le=86_400)
    vector_store_poll_max_attempts: int = Field(ge=0, le=8_000)
    vector_store_poll_backoff_rate: float = Field(ge=1, le=10)
    vector_store_poll_max_delay_seconds: int = Field(ge=1, le=86_400)
    vector_store_flow_timeout_seconds: int = Field(ge=60, le=31_536_000)
    vector_store_batch_max_files: int = Field(ge=1, le=2_000)
    vector_store_expires_after_days: Annotated[
        Annotated[int, Field(ge=1, le=365)] | None, BeforeValidator(_empty_is_none)
    ]
    ingest_batch_size: int = Field(ge=1, le=1_000)
    ingest_batch_window_seconds: int = Field(ge=0, le=300)
    ingest_max_concurrency: int = Field(ge=2, le=1_000)
    ingest_timeout_seconds: int = Field(ge=10, le=900)
    ingest_visibility_timeout_seconds: int = Field(ge=0, le=43_200)
    ingest_memory_megabytes: int = Field(ge=256, le=10_240)
    ingest_refresh_after_hours: int = Field(ge=0, le=87_600)
    # A duplicate that comes while the first is worked on counts as a try.
    queue_max_receives: int = Field(ge=2, le=100)
    queue_retry_delay_seconds: int = Field(ge=0, le=900)
    download_max_bytes: int = Field(ge=1, le=512_000_000)
    download_timeout_seconds: int = Field(ge=1, le=300)
    download_min_characters: int = Field(ge=0, le=100_000)
    download_ports: tuple[Port, ...] = Field(min_length=1)
    download_allow_loopback: bool
    fallback_model: str = Field(min_length=1)
    analysis_model: str = Field(min_length=1)
    analysis_max_concurrency: int = Field(ge=2, le=1_000)
    analysis_timeout_seconds: int = Field(ge=10, le=900)
    analysis_visibility_timeout_seconds: int = Field(ge=0, le=43_200)
    file_sweep_hours: int = Field(ge=1, le=24)
    completion_model: str = Field(min_length=1)
    completion_submit_minutes: int = Field(ge=1, le=1_440)
    completion_poll_minutes: int = Field(ge=1, le=1_440)
    completion_reconcile_minutes: int = Field(ge=1, le=1_440)
    completion_schedules_enabled: bool
    completion_poll_concurrency: int = Field(ge=1, le=40)
    completion_apply_concurrency: int = Field(ge=1, le=1_000)
    completion_poll_max_batches: int = Field(ge=1, le=10_000)
    completion_validating_timeout_seconds: int = Field(ge=60, le=86_400)
    completion_max_attempts: int = Field(ge=1, le=100)
    completion_batch_max_requests: int = Field(ge=1, le=50_000)
    completion_batch_max_bytes: int = Field(ge=1_000_000, le=200_000_000)
    completion_max_enqueued_tokens: Annotated[
        Annotated[int, Field(ge=1, le=10**15)] | None, BeforeValidator(_empty_is_none)
    ]
    completion_max_cost_usd: Annotated[Usd | None, BeforeValidator(_empty_is_none)]
    pinecone_index_host: Annotated[PineconeHost | None, BeforeValidator(_empty_is_none)]
    pinecone_namespace: str = Field(min_length=1, max_length=512)
    pinecone_updates_per_second: int = Field(ge=1, le=10_000)
    webhook_reserved_concurrency: Annotated[
        Annotated[int, Field(ge=1, le=1_000)] | None, BeforeValidator(_empty_is_none)
    ]
    batch_retention_days: int = Field(ge=30, le=3_650)
    owner: str = Field(pattern=_TAG, max_length=128)
    log_retention_days: LogRetentionDays
    alarm_subscribers: Subscribers
    openai_base_url: Annotated[OpenAIUrl | None, BeforeValidator(_empty_is_none)]

    @property
    def polling(self) -> Polling:
        """How file batches are waited for."""
        return Polling(
            interval_seconds=self.vector_store_poll_interval_seconds,
            max_attempts=self.vector_store_poll_max_attempts,
            backoff_rate=self.vector_store_poll_backoff_rate,
            max_delay_seconds=self.vector_store_poll_max_delay_seconds,
            flow_timeout_seconds=self.vector_store_flow_timeout_seconds,
        )

    @property
    def completion(self) -> CompletionSettings:
        """How labels are completed."""
        return CompletionSettings(
            model=self.completion_model,
            batch_max_requests=self.completion_batch_max_requests,
            batch_max_bytes=self.completion_batch_max_bytes,
            max_enqueued_tokens=self.completion_max_enqueued_tokens,
            max_cost_usd=self.completion_max_cost_usd,
            max_attempts=self.completion_max_attempts,
            poll_max_batches=self.completion_poll_max_batches,
            validating_timeout_seconds=self.completion_validating_timeout_seconds,
        )

    @property
    def completion_polling(self) -> CompletionPolling:
        """How finished batches are worked on."""
        return CompletionPolling(
            batches_at_once=self.completion_poll_concurrency,
            chunks_at_once=self.completion_apply_concurrency,
        )

    @property
    def completion_schedules(self) -> CompletionSchedules:
        """How often labels are submitted, polled for and reconciled."""
        return CompletionSchedules(
            enabled=self.completion_schedules_enabled,
            submit_minutes=self.completion_submit_minutes,
            poll_minutes=self.completion_poll_minutes,
            reconcile_minutes=self.completion_reconcile_minutes,
        )


def load_settings() -> Settings:
    """Read and check the stack's configuration. SettingsError names everything that is wrong."""
    config = pulumi.Config()
    declared = yaml.safe_load(_PROJECT_FILE.read_text())["config"]
    found = {key: _decoded(config.get(key), spec["type"]) for key, spec in declared.items()}
    problems = []
    keys = {name: config.get_secret(name) for name in _SECRETS}
    if keys["openaiApiKey"] is None:
        problems.append(Problem.missing_secret("openaiApiKey"))
    try:
        settings = Settings.model_validate(
            {name: value for name, value in found.items() if value is not None}
            | {"stack": pulumi.get_stack(), **keys}
        )
        problems += impossible_combinations(settings)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors()}
        problems += [_problem(name, found[name], declared[name]) for name in sorted(wrong)]
    if problems:
        raise SettingsError(
            f"The configuration of stack {pulumi.get_stack()} is wrong.\n\n"
            + "\n".join(str(problem) for problem in problems)
        )
    if settings.pinecone_api_key is None:
        pulumi.log.warn(_UNPROJECTED)
    return settings


def _decoded(text: str | None, kind: str) -> Any:
    """Arrays and objects come as JSON text; what is none is left for the model to refuse."""
    if text is None or kind not in ("array", "object"):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _problem(key: str, found: Any, declared: dict[str, Any]) -> Problem:
    return Problem(
        key=key,
        found="is not set" if found is None else f"is {found!r}",
        allowed=declared["description"],
        mend=declared["default"],
    )
