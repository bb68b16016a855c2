"""The Pulumi components: import them from here."""

from infra.api_key import ApiKey, ApiKeyArgs
from infra.arguments import AnalysisArgs, CompletionSchedules, CompletionSettings, IngestArgs
from infra.batch_bucket import BatchBucket, BatchBucketArgs
from infra.batch_poll_flow import BatchPollFlow, BatchPollFlowArgs
from infra.completion_flow import CompletionFlow, CompletionFlowArgs
from infra.file_sweep import FileSweep, FileSweepArgs
from infra.function import Function, FunctionArgs, OpenAIAccess, PineconeAccess
from infra.ingest_pipeline import IngestPipeline, IngestPipelineArgs
from infra.machine import Machine, MachineArgs
from infra.monitoring import Monitoring, MonitoringArgs, Watched
from infra.queue import Queue, QueueArgs
from infra.schedules import Schedule, ScheduleArgs
from infra.state_machines import CompletionPolling, Polling
from infra.webhook import Webhook, WebhookArgs

__all__ = [
    "AnalysisArgs",
    "ApiKey",
    "ApiKeyArgs",
    "BatchBucket",
    "BatchBucketArgs",
    "BatchPollFlow",
    "BatchPollFlowArgs",
    "CompletionFlow",
    "CompletionFlowArgs",
    "CompletionPolling",
    "CompletionSchedules",
    "CompletionSettings",
    "FileSweep",
    "FileSweepArgs",
    "Function",
    "FunctionArgs",
    "IngestArgs",
    "IngestPipeline",
    "IngestPipelineArgs",
    "Machine",
    "MachineArgs",
    "Monitoring",
    "MonitoringArgs",
    "OpenAIAccess",
    "PineconeAccess",
    "Polling",
    "Queue",
    "QueueArgs",
    "Schedule",
    "ScheduleArgs",
    "Watched",
    "Webhook",
    "WebhookArgs",
]
