"""What the components are given by a program in another language.

Pulumi's host reads the schema from here: names, types, and the text under each. All is the same as
in the arguments of ``infra``, which have the bounds and the defaults of what is left out.

What is grouped has to be plain: Pulumi's host takes a group that is not known yet for an empty one.
Outputs of other resources, which are known later, are inputs of the components themselves.
"""

from collections.abc import Sequence
from typing import Required, TypedDict

import pulumi


class ApiKeyInputs(TypedDict):
    """The key."""

    value: pulumi.Input[str]
    """The key, which Pulumi keeps encrypted in its state if it is given as a secret."""


class Ingest(TypedDict, total=False):
    """How documents are downloaded and grouped."""

    batch_size: int
    """The most messages that one ingest invocation takes (1 to 1000)."""
    batch_window_seconds: int
    """How long to gather messages for one invocation (0 to 300, at least 1 above ten messages)."""
    max_concurrency: int
    """The most ingest invocations at once (2 to 1000)."""
    timeout_seconds: int
    """The ingest function's time-out (10 to 900)."""
    visibility_timeout_seconds: int
    """The DownloadQueue's visibility timeout, at least six times the function's and the window."""
    memory_megabytes: int
    """The ingest function's memory, which all documents of one invocation share (256 to 10240)."""
    refresh_after_seconds: int
    """Age at which a request that comes again is ingested afresh and no more a duplicate."""
    download_max_bytes: int
    """The largest document that is downloaded, in bytes (at most 512000000)."""
    download_timeout_seconds: int
    """How long a download may take in all, redirects included (1 to 300)."""
    download_min_characters: int
    """A page with less text than this counts as a failed download."""
    download_ports: Sequence[int]
    """The ports that downloads may go to."""
    download_allow_loopback: bool
    """Lets downloads reach this machine; for the stack named local only."""
    fallback_model: str
    """The model that writes the Markdown fallback of a document that cannot be downloaded."""
    max_files_a_batch: int
    """The most files in one file batch (1 to 2000)."""
    vector_store_expires_after_days: int
    """Days without use after which OpenAI deletes a vector store (1 to 365), none for never."""


class Polling(TypedDict, total=False):
    """How a file batch is waited for."""

    interval_seconds: int
    """Seconds between two checks of a file batch (1 to 86400)."""
    max_attempts: int
    """Checks after the first one before a file batch ends in PollTimeout (0 to 8000)."""
    backoff_rate: float
    """What the interval is multiplied by after each check, a number from 1 to 10."""
    max_delay_seconds: int
    """The longest interval that the back-off rate leads to."""
    flow_timeout_seconds: int
    """How long one execution of VectorStoreBatchFlow may take in all."""


class Analysis(TypedDict, total=False):
    """How what was ingested is researched."""

    model: str
    """The model that researches the market analysis."""
    max_concurrency: int
    """The most market-analysis invocations at once (2 to 1000)."""
    timeout_seconds: int
    """The market-analysis function's time-out (10 to 900)."""
    visibility_timeout_seconds: int
    """The MarketAnalysisQueue's visibility timeout, at least six times the function's."""


class IngestPipelineInputs(TypedDict, total=False):
    """The document flow of one stack."""

    openai_key_secret_arn: Required[pulumi.Input[str]]
    """The secret in Secrets Manager that holds OpenAI's key, such as an ApiKey's secretArn."""
    openai_base_url: str
    """Another server that speaks OpenAI's API."""
    ingest: Ingest
    """How documents are downloaded and grouped."""
    polling: Polling
    """How a file batch is waited for."""
    analysis: Analysis
    """How what was ingested is researched."""
    queue_max_receives: int
    """How often a message is tried before it goes to its dead-letter queue (2 to 100)."""
    queue_retry_delay_seconds: int
    """Wait before a failed message is tried again, doubled each time up to 15 minutes (0 to
    900)."""
    file_sweep_hours: int
    """Hours between two sweeps of documents at OpenAI that belong to nothing (1 to 24)."""
    log_retention_days: int
    """Days that CloudWatch keeps logs, one of the numbers that it accepts."""


class Completion(TypedDict, total=False):
    """How labels are completed."""

    model: str
    """The model that says whether labels are right."""
    batch_max_requests: int
    """The most requests, one a receipt, in one batch (1 to 50000)."""
    batch_max_bytes: int
    """The largest file of requests, in bytes (1000000 to 200000000)."""
    # A schema's integer has 32 bits in some languages.
    max_enqueued_tokens: float
    """The most prompt tokens under way at once, none for as many as OpenAI takes."""
    max_cost_usd: float
    """The most USD that one submission of labels may cost (0.000001 to 1000000), none for no
    limit."""
    max_attempts: int
    """How often a label is asked about in vain before it needs a person's review (1 to 100)."""
    poll_max_batches: int
    """The most batches in one run of CompletionPollFlow, the longest unchecked first."""
    validating_timeout_seconds: int
    """How long OpenAI may validate a batch before it is cancelled (60 to 86400)."""


class CompletionPolling(TypedDict, total=False):
    """How many batches are worked on at once, and how many chunks of each."""

    batches_at_once: int
    """The most batches that one run of CompletionPollFlow works on at once (1 to 40)."""
    chunks_at_once: int
    """The most chunks of one batch that are applied at once (1 to 1000)."""


class CompletionSchedules(TypedDict, total=False):
    """How often each part of the label completion runs."""

    enabled: bool
    """Whether the label completion runs by itself; false leaves its schedules disabled."""
    submit_minutes: int
    """Minutes between two submissions of labels that wait to be validated (1 to 1440)."""
    poll_minutes: int
    """Minutes between two runs of CompletionPollFlow (1 to 1440)."""
    reconcile_minutes: int
    """Minutes between two searches for batches that went astray (1 to 1440)."""


class CompletionFlowInputs(TypedDict, total=False):
    """The label-completion flow of one stack."""

    openai_key_secret_arn: Required[pulumi.Input[str]]
    """The secret in Secrets Manager that holds OpenAI's key, such as an ApiKey's secretArn."""
    openai_base_url: str
    """Another server that speaks OpenAI's API."""
    pinecone_key_secret_arn: pulumi.Input[str]
    """The secret that holds Pinecone's key. Without it, no word is projected to Pinecone."""
    pinecone_index_host: str
    """The host or URL of the Pinecone index whose words are labelled, required with the key."""
    pinecone_namespace: str
    """The namespace of the words in the Pinecone index."""
    pinecone_updates_per_second: int
    """The most updates a second of the namespace, of which Pinecone takes 100 (1 to 10000)."""
    completion: Completion
    """How labels are completed."""
    polling: CompletionPolling
    """How many batches are worked on at once, and how many chunks of each."""
    schedules: CompletionSchedules
    """How often each part of the label completion runs."""
    batch_retention_days: int
    """Days that the batches' targets and raw answers are kept (30 to 3650)."""
    log_retention_days: int
    """Days that CloudWatch keeps logs, one of the numbers that it accepts."""
