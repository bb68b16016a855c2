"""The Pulumi components: import them from here."""

from infra.batch_poll_flow import BatchPollFlow, BatchPollFlowArgs
from infra.function import Function, FunctionArgs, OpenAIAccess
from infra.ingest_pipeline import AnalysisArgs, IngestArgs, IngestPipeline, IngestPipelineArgs
from infra.openai_key import OpenAIKey, OpenAIKeyArgs
from infra.queue import Queue, QueueArgs
from infra.state_machines import Polling

__all__ = [
    "AnalysisArgs",
    "BatchPollFlow",
    "BatchPollFlowArgs",
    "Function",
    "FunctionArgs",
    "IngestArgs",
    "IngestPipeline",
    "IngestPipelineArgs",
    "OpenAIAccess",
    "OpenAIKey",
    "OpenAIKeyArgs",
    "Polling",
    "Queue",
    "QueueArgs",
]
