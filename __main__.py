"""The stack: settings → components → exports."""

import pulumi

from infra import (
    AnalysisArgs,
    ApiKey,
    ApiKeyArgs,
    CompletionFlow,
    CompletionFlowArgs,
    IngestArgs,
    IngestPipeline,
    IngestPipelineArgs,
    Monitoring,
    MonitoringArgs,
    OpenAIAccess,
    PineconeAccess,
    Watched,
    Webhook,
    WebhookArgs,
)
from infra.bundle import lambda_archive
from infra.settings import load_settings
from infra.tags import tag_everything

settings = load_settings()
tag_everything({"project": pulumi.get_project(), "stack": settings.stack, "owner": settings.owner})
code = lambda_archive()
openai_key = ApiKey("openai-key", ApiKeyArgs(value=settings.openai_api_key))
openai = OpenAIAccess(key_secret_arn=openai_key.secret_arn, base_url=settings.openai_base_url)
pinecone = None
if settings.pinecone_api_key is not None:
    pinecone_key = ApiKey("pinecone-key", ApiKeyArgs(value=settings.pinecone_api_key))
    pinecone = PineconeAccess(
        key_secret_arn=pinecone_key.secret_arn,
        index_host=settings.pinecone_index_host,
        namespace=settings.pinecone_namespace,
        updates_per_second=settings.pinecone_updates_per_second,
    )
documents = IngestPipeline(
    "documents",
    IngestPipelineArgs(
        code=code,
        openai=openai,
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
        file_sweep_hours=settings.file_sweep_hours,
        log_retention_days=settings.log_retention_days,
    ),
)
labels = CompletionFlow(
    "labels",
    CompletionFlowArgs(
        code=code,
        openai=openai,
        pinecone=pinecone,
        completion=settings.completion,
        polling=settings.completion_polling,
        schedules=settings.completion_schedules,
        batch_retention_days=settings.batch_retention_days,
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
pulumi.export("ingestRefreshAfterHours", str(settings.ingest_refresh_after_hours))
pulumi.export("fileSweepFunctionName", documents.sweep.function.function.name)
pulumi.export("fileSweepDeadLetterQueueUrl", documents.sweep.dead_letters.url)
pulumi.export("labelTableName", labels.label_table.name)
pulumi.export("batchBucketName", labels.bucket.bucket.bucket)
pulumi.export("completionPollFlowArn", labels.machine.state_machine.arn)
pulumi.export("submitCompletionBatchFunctionName", labels.functions["submit"].function.name)
pulumi.export("completionReconcileFunctionName", labels.functions["reconcile"].function.name)
pulumi.export("completionDeadLetterQueueUrl", labels.dead_letters.url)
webhook = None
if settings.webhook_secret is not None:
    webhook_secret = ApiKey("webhook-signing", ApiKeyArgs(value=settings.webhook_secret))
    webhook = Webhook(
        "webhook",
        WebhookArgs(
            code=code,
            secret_arn=webhook_secret.secret_arn,
            machine=labels.machine,
            reserved_concurrency=settings.webhook_reserved_concurrency,
            log_retention_days=settings.log_retention_days,
        ),
    )
    pulumi.export("webhookUrl", webhook.url)

monitoring = Monitoring(
    "monitoring",
    MonitoringArgs(
        watched=Watched(
            documents=documents,
            labels=labels,
            webhook=webhook,
            schedules=settings.completion_schedules,
            file_sweep_hours=settings.file_sweep_hours,
            fallback_model=settings.fallback_model,
            analysis_model=settings.analysis_model,
            completion_model=settings.completion_model,
        ),
        subscribers=settings.alarm_subscribers,
    ),
)

pulumi.export("dashboardName", monitoring.dashboard.dashboard_name)
pulumi.export("dashboardUrl", monitoring.url)
pulumi.export("alarmTopicArn", monitoring.topic.arn)
