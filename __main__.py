"""The stack: settings → components → exports."""

import pulumi

from infra import (
    AnalysisArgs,
    IngestArgs,
    IngestPipeline,
    IngestPipelineArgs,
    OpenAIAccess,
    OpenAIKey,
    OpenAIKeyArgs,
)
from infra.bundle import lambda_archive
from infra.settings import load_settings

settings = load_settings()
key = OpenAIKey("openai-key", OpenAIKeyArgs(value=settings.openai_api_key))
documents = IngestPipeline(
    "documents",
    IngestPipelineArgs(
        code=lambda_archive(),
        openai=OpenAIAccess(key_secret_arn=key.secret_arn, base_url=settings.openai_base_url),
        ingest=IngestArgs(
            batch_size=settings.ingest_batch_size,
            batch_window_seconds=settings.ingest_batch_window_seconds,
            max_concurrency=settings.ingest_max_concurrency,
            timeout_seconds=settings.ingest_timeout_seconds,
            visibility_timeout_seconds=settings.ingest_visibility_timeout_seconds,
            memory_megabytes=settings.ingest_memory_megabytes,
            refresh_after_seconds=settings.ingest_refresh_after_hours * 3600,
            download_max_bytes=settings.download_max_bytes,
            download_timeout_seconds=settings.download_timeout_seconds,
            download_min_characters=settings.download_min_characters,
            download_ports=settings.download_ports,
            download_allow_loopback=settings.download_allow_loopback,
            fallback_model=settings.fallback_model,
            max_files_a_batch=settings.vector_store_batch_max_files,
            vector_store_expires_after_days=settings.vector_store_expires_after_days,
        ),
        polling=settings.polling,
        analysis=AnalysisArgs(
            model=settings.analysis_model,
            max_concurrency=settings.analysis_max_concurrency,
            timeout_seconds=settings.analysis_timeout_seconds,
            visibility_timeout_seconds=settings.analysis_visibility_timeout_seconds,
        ),
        queue_max_receives=settings.queue_max_receives,
        queue_retry_delay_seconds=settings.queue_retry_delay_seconds,
        log_retention_days=settings.log_retention_days,
    ),
)

pulumi.export("downloadQueueUrl", documents.download.queue.url)
pulumi.export("downloadDeadLetterQueueUrl", documents.download.dead_letters.url)
pulumi.export("marketAnalysisQueueUrl", documents.market_analysis.queue.url)
pulumi.export("marketAnalysisDeadLetterQueueUrl", documents.market_analysis.dead_letters.url)
pulumi.export("vectorStoreBatchFlowArn", documents.flow.state_machine.arn)
pulumi.export("vectorStoreBatchFlowDeadLetterQueueUrl", documents.flow.dead_letters.url)
pulumi.export("analysesTableName", documents.analyses_table.name)
pulumi.export("ingestLedgerTableName", documents.ledger_table.name)
