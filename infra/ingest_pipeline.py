"""The document flow from the download queue to the analyses table."""

import pulumi
import pulumi_aws as aws
from pydantic import Field, InstanceOf
from pydantic.dataclasses import dataclass

from infra.argument_combinations import refuse_impossible_documents
from infra.arguments import AnalysisArgs, IngestArgs
from infra.batch_poll_flow import BatchPollFlow, BatchPollFlowArgs
from infra.bundle import lambda_archive
from infra.checked import CHECKED, LogRetentionDays
from infra.file_sweep import FileSweep, FileSweepArgs
from infra.function import Function, FunctionArgs, OpenAIAccess
from infra.queue import Queue, QueueArgs
from infra.state_machines import Polling

_ANALYSIS_MEMORY_MEGABYTES = 512


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class IngestPipelineArgs:
    """The document flow of one stack."""

    openai: OpenAIAccess
    code: InstanceOf[pulumi.Archive] = Field(default_factory=lambda_archive)
    """What the functions run: built when it is not given, and the same for both flows."""
    ingest: IngestArgs = IngestArgs()
    polling: Polling = Polling()
    analysis: AnalysisArgs = AnalysisArgs()
    # A duplicate that comes while the first is worked on counts as a try.
    queue_max_receives: int = Field(default=5, ge=2, le=100)
    """How often a message is tried before it goes to its dead-letter queue (2 to 100)."""
    queue_retry_delay_seconds: int = Field(default=30, ge=0, le=900)
    """Wait before a failed message is tried again, doubled each time up to 15 minutes (0 to
    900)."""
    file_sweep_hours: int = Field(default=24, ge=1, le=24)
    """Hours between two sweeps of documents at OpenAI that belong to nothing (1 to 24)."""
    log_retention_days: LogRetentionDays = 30
    """Days that CloudWatch keeps logs, one of the numbers that it accepts."""


class IngestPipeline(pulumi.ComponentResource):
    """Download queue → ingest → ``flow`` → market-analysis queue → market analysis.

    ``sweep`` deletes what uploads and refreshes leave behind at OpenAI.
    """

    def __init__(
        self, name: str, args: IngestPipelineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse_impossible_documents(name, args)
        super().__init__("openai-batch-flows:index:IngestPipeline", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.ledger_table = self._table("ingest-ledger")
        self.analyses_table = self._table("analyses")
        self.download = self._queue("download", args.ingest.visibility_timeout_seconds)
        self.market_analysis = self._queue(
            "market-analysis", args.analysis.visibility_timeout_seconds
        )
        self.flow = BatchPollFlow(
            f"{name}-vector-store-batch",
            BatchPollFlowArgs(
                code=args.code,
                openai=args.openai,
                polling=args.polling,
                notify_queue=self.market_analysis.queue,
                ledger_table=self.ledger_table,
                log_retention_days=args.log_retention_days,
            ),
            self._child,
        )
        self._ingest()
        self._analyse()
        self.sweep = FileSweep(
            f"{name}-sweep",
            FileSweepArgs(
                code=args.code,
                openai=args.openai,
                ledger_table=self.ledger_table,
                hours=args.file_sweep_hours,
                log_retention_days=args.log_retention_days,
            ),
            self._child,
        )
        self.register_outputs(
            {
                "downloadQueueUrl": self.download.queue.url,
                "marketAnalysisQueueUrl": self.market_analysis.queue.url,
                "vectorStoreBatchFlowArn": self.flow.state_machine.arn,
                "ingestLedgerTableName": self.ledger_table.name,
                "analysesTableName": self.analyses_table.name,
            }
        )

    def _table(self, noun: str) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            f"{self._name}-{noun}",
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attributes=[{"name": "pk", "type": "S"}, {"name": "sk", "type": "S"}],
            ttl={"attribute_name": "expiresAt", "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True},
            opts=self._child,
        )

    def _queue(self, noun: str, visibility_timeout_seconds: int) -> Queue:
        return Queue(
            f"{self._name}-{noun}",
            QueueArgs(
                visibility_timeout_seconds=visibility_timeout_seconds,
                max_receives=self._args.queue_max_receives,
            ),
            self._child,
        )

    def _ingest(self) -> None:
        args = self._args.ingest
        self.ingest = Function(
            f"{self._name}-ingest",
            FunctionArgs(
                code=self._args.code,
                handler="functions.ingest.handler.handler",
                timeout_seconds=args.timeout_seconds,
                memory_megabytes=args.memory_megabytes,
                log_retention_days=self._args.log_retention_days,
                openai=self._args.openai,
                environment={
                    "QUEUE_URL": self.download.queue.url,
                    "RETRY_DELAY_SECONDS": str(self._args.queue_retry_delay_seconds),
                    "INGEST_LEDGER_TABLE": self.ledger_table.name,
                    "VECTOR_STORE_BATCH_FLOW_ARN": self.flow.state_machine.arn,
                    "FALLBACK_MODEL": args.fallback_model,
                    "VECTOR_STORE_BATCH_MAX_FILES": str(args.max_files_a_batch),
                    **_optional(
                        "VECTOR_STORE_EXPIRES_AFTER_DAYS", args.vector_store_expires_after_days
                    ),
                    "INGEST_REFRESH_AFTER_SECONDS": str(args.refresh_after_seconds),
                    "DOWNLOAD_MAX_BYTES": str(args.download_max_bytes),
                    "DOWNLOAD_TIMEOUT_SECONDS": str(args.download_timeout_seconds),
                    "DOWNLOAD_MIN_CHARACTERS": str(args.download_min_characters),
                    "DOWNLOAD_PORTS": ",".join(map(str, args.download_ports)),
                    "DOWNLOAD_ALLOW_LOOPBACK": str(args.download_allow_loopback).lower(),
                },
            ),
            self._child,
        )
        self.ingest.may(
            "keeps-the-ledger",
            [
                "dynamodb:DeleteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            ],
            [self.ledger_table.arn],
        )
        self.ingest.may(
            "starts-vector-store-batch-flow",
            ["states:StartExecution"],
            [self.flow.state_machine.arn],
        )
        self.download.feed(
            self.ingest,
            batch_size=args.batch_size,
            window_seconds=args.batch_window_seconds,
            max_concurrency=args.max_concurrency,
        )

    def _analyse(self) -> None:
        args = self._args.analysis
        self.analyse = Function(
            f"{self._name}-market-analysis",
            FunctionArgs(
                code=self._args.code,
                handler="functions.market_analysis.handler.handler",
                timeout_seconds=args.timeout_seconds,
                memory_megabytes=_ANALYSIS_MEMORY_MEGABYTES,
                log_retention_days=self._args.log_retention_days,
                openai=self._args.openai,
                environment={
                    "QUEUE_URL": self.market_analysis.queue.url,
                    "RETRY_DELAY_SECONDS": str(self._args.queue_retry_delay_seconds),
                    "ANALYSES_TABLE": self.analyses_table.name,
                    "ANALYSIS_MODEL": args.model,
                },
            ),
            self._child,
        )
        self.analyse.may(
            "keeps-analyses",
            ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
            [self.analyses_table.arn],
        )
        # An analysis takes a minute or more: one message an invocation, many invocations at once.
        self.market_analysis.feed(
            self.analyse,
            batch_size=1,
            window_seconds=0,
            max_concurrency=args.max_concurrency,
        )


def _optional(name: str, value: int | None) -> dict[str, str]:
    return {} if value is None else {name: str(value)}
