"""The numbers and names that the components are tuned by.

Each has the default and the bounds of the configuration key that it is set by in the stack's own
program, and that key's description.
"""

from collections.abc import Sequence

from pydantic import Field
from pydantic.dataclasses import dataclass

from infra.checked import CHECKED, Port, Usd


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class IngestArgs:
    """How documents are downloaded and grouped."""

    batch_size: int = Field(default=10, ge=1, le=1_000)
    """The most messages that one ingest invocation takes (1 to 1000)."""
    batch_window_seconds: int = Field(default=5, ge=0, le=300)
    """How long to gather messages for one invocation (0 to 300, at least 1 above ten messages)."""
    max_concurrency: int = Field(default=10, ge=2, le=1_000)
    """The most ingest invocations at once (2 to 1000)."""
    timeout_seconds: int = Field(default=300, ge=10, le=900)
    """The ingest function's time-out (10 to 900)."""
    visibility_timeout_seconds: int = Field(default=1_900, ge=0, le=43_200)
    """The DownloadQueue's visibility timeout, at least six times the function's and the window."""
    memory_megabytes: int = Field(default=1_536, ge=256, le=10_240)
    """The ingest function's memory, which all documents of one invocation share (256 to 10240)."""
    refresh_after_seconds: int = Field(default=86_400, ge=0, le=87_600 * 3_600)
    """Age at which a request that comes again is ingested afresh and no more a duplicate."""
    download_max_bytes: int = Field(default=20_000_000, ge=1, le=512_000_000)
    """The largest document that is downloaded, in bytes (at most 512000000)."""
    download_timeout_seconds: int = Field(default=20, ge=1, le=300)
    """How long a download may take in all, redirects included (1 to 300)."""
    download_min_characters: int = Field(default=200, ge=0, le=100_000)
    """A page with less text than this counts as a failed download."""
    download_ports: Sequence[Port] = Field(default=(80, 443), min_length=1)
    """The ports that downloads may go to."""
    download_allow_loopback: bool = False
    """Lets downloads reach this machine; for the stack named local only."""
    fallback_model: str = Field(default="gpt-5.4-mini", min_length=1)
    """The model that writes the Markdown fallback of a document that cannot be downloaded."""
    max_files_a_batch: int = Field(default=500, ge=1, le=2_000)
    """The most files in one file batch (1 to 2000)."""
    vector_store_expires_after_days: int | None = Field(default=None, ge=1, le=365)
    """Days without use after which OpenAI deletes a vector store (1 to 365), none for never."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class AnalysisArgs:
    """How what was ingested is researched."""

    model: str = Field(default="gpt-5.5", min_length=1)
    """The model that researches the market analysis."""
    max_concurrency: int = Field(default=5, ge=2, le=1_000)
    """The most market-analysis invocations at once (2 to 1000)."""
    timeout_seconds: int = Field(default=300, ge=10, le=900)
    """The market-analysis function's time-out (10 to 900)."""
    visibility_timeout_seconds: int = Field(default=1_800, ge=0, le=43_200)
    """The MarketAnalysisQueue's visibility timeout, at least six times the function's."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class CompletionSettings:
    """How labels are completed."""

    model: str = Field(default="gpt-5.4-mini", min_length=1)
    """The model that says whether labels are right."""
    batch_max_requests: int = Field(default=50_000, ge=1, le=50_000)
    """The most requests, one a receipt, in one batch (1 to 50000)."""
    batch_max_bytes: int = Field(default=200_000_000, ge=1_000_000, le=200_000_000)
    """The largest file of requests, in bytes (1000000 to 200000000)."""
    max_enqueued_tokens: int | None = Field(default=None, ge=1, le=10**15)
    """The most prompt tokens under way at once, none for as many as OpenAI takes."""
    max_cost_usd: Usd | None = None
    """The most USD that one submission of labels may cost (0.000001 to 1000000), none for no
    limit."""
    max_attempts: int = Field(default=3, ge=1, le=100)
    """How often a label is asked about in vain before it needs a person's review (1 to 100)."""
    poll_max_batches: int = Field(default=200, ge=1, le=10_000)
    """The most batches in one run of CompletionPollFlow, the longest unchecked first."""
    validating_timeout_seconds: int = Field(default=300, ge=60, le=86_400)
    """How long OpenAI may validate a batch before it is cancelled (60 to 86400)."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class CompletionSchedules:
    """How often each part of the label completion runs."""

    enabled: bool = True
    """Whether the label completion runs by itself; false leaves its schedules disabled."""
    submit_minutes: int = Field(default=60, ge=1, le=1_440)
    """Minutes between two submissions of labels that wait to be validated (1 to 1440)."""
    poll_minutes: int = Field(default=5, ge=1, le=1_440)
    """Minutes between two runs of CompletionPollFlow (1 to 1440)."""
    reconcile_minutes: int = Field(default=60, ge=1, le=1_440)
    """Minutes between two searches for batches that went astray (1 to 1440)."""
