"""The functions of the label-completion flow, each with what it is told and what it may do."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.arguments import CompletionSettings
from infra.batch_bucket import BatchBucket
from infra.function import Function, FunctionArgs, OpenAIAccess, PineconeAccess
from infra.state_machines import COMPLETION_TIMEOUT_SECONDS

# Of the functions that nobody waits for; the others' are the state machine's.
_TIMEOUT_SECONDS = {"submit": 900, "reconcile": 900, **COMPLETION_TIMEOUT_SECONDS}
_MEMORY_MEGABYTES = {
    "submit": 1769,  # one whole processor
    "list_pending": 1024,
    "collect": 1769,
    "apply": 1024,
    "finish": 512,
    "project": 1024,
    "reconcile": 1024,
}
# Files of up to 200 MB on their way to and from OpenAI.
_TEMPORARY_STORAGE_MEGABYTES = {"submit": 2048, "collect": 1024}


@dataclass(frozen=True, kw_only=True)
class CompletionFunctionsArgs:
    """What the functions work with. Without ``pinecone`` there is no ``project``."""

    code: pulumi.Archive
    openai: OpenAIAccess
    pinecone: PineconeAccess | None
    table: aws.dynamodb.Table
    bucket: BatchBucket
    settings: CompletionSettings
    log_retention_days: int


class CompletionFunctions(pulumi.ComponentResource):
    """``by_name`` has the functions by the names of their handlers' modules."""

    def __init__(
        self, name: str, args: CompletionFunctionsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:CompletionFunctions", name, None, opts)
        self._name = name
        self._args = args
        self.by_name: dict[str, Function] = {}
        self._submit()
        self._list_pending()
        self._collect()
        self._apply()
        self._finish()
        if args.pinecone is not None:
            self._project(args.pinecone)
        self._reconcile()
        self.register_outputs(
            {f"{name}Arn": function.function.arn for name, function in self.by_name.items()}
        )

    def _submit(self) -> None:
        settings = self._args.settings
        most_usd = settings.max_cost_usd
        limits = {
            "COMPLETION_MAX_ENQUEUED_TOKENS": settings.max_enqueued_tokens,
            "COMPLETION_MAX_COST_USD": None if most_usd is None else f"{most_usd:f}",
        }
        submit = self._function(
            "submit",
            openai=self._args.openai,
            environment={
                "BATCH_BUCKET": self._args.bucket.bucket.bucket,
                "COMPLETION_MODEL": settings.model,
                "COMPLETION_BATCH_MAX_REQUESTS": str(settings.batch_max_requests),
                "COMPLETION_BATCH_MAX_BYTES": str(settings.batch_max_bytes),
                **{name: str(limit) for name, limit in limits.items() if limit is not None},
            },
        )
        self._reads_items(submit)
        self._queries_table(submit)
        self._queries_indexes(submit, "GSI3")
        self._writes_labels(submit)
        submit.may("keeps-targets", ["s3:PutObject"], [self._args.bucket.files])

    def _list_pending(self) -> None:
        settings = self._args.settings
        list_pending = self._function(
            "list_pending",
            openai=self._args.openai,
            environment={
                "COMPLETION_POLL_MAX_BATCHES": str(settings.poll_max_batches),
                "COMPLETION_VALIDATING_TIMEOUT_SECONDS": str(settings.validating_timeout_seconds),
                "PROJECTION_ENABLED": str(self._args.pinecone is not None).lower(),
            },
        )
        self._queries_indexes(list_pending, "GSI1", "GSI2")
        list_pending.may("updates-batches", ["dynamodb:UpdateItem"], [self._args.table.arn])

    def _collect(self) -> None:
        collect = self._function(
            "collect",
            openai=self._args.openai,
            environment={"BATCH_BUCKET": self._args.bucket.bucket.bucket},
        )
        self._reads_items(collect)
        collect.may("updates-batches", ["dynamodb:UpdateItem"], [self._args.table.arn])
        self._reads_files(collect)
        collect.may("keeps-chunks", ["s3:PutObject"], [self._args.bucket.files])

    def _apply(self) -> None:
        apply = self._function(
            "apply",
            environment={
                "BATCH_BUCKET": self._args.bucket.bucket.bucket,
                "COMPLETION_MAX_ATTEMPTS": str(self._args.settings.max_attempts),
            },
        )
        self._reads_items(apply)
        self._queries_table(apply)
        self._writes_labels(apply)
        self._reads_files(apply)

    def _finish(self) -> None:
        finish = self._function("finish")
        self._reads_items(finish)
        self._queries_table(finish)
        finish.may("updates-batches", ["dynamodb:UpdateItem"], [self._args.table.arn])

    def _project(self, pinecone: PineconeAccess) -> None:
        project = self._function("project", pinecone=pinecone)
        self._queries_table(project)
        self._queries_indexes(project, "GSI2")
        project.may(
            "marks-words-and-keeps-its-lease",
            ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            [self._args.table.arn],
        )

    def _reconcile(self) -> None:
        reconcile = self._function(
            "reconcile",
            openai=self._args.openai,
            environment={"BATCH_BUCKET": self._args.bucket.bucket.bucket},
        )
        self._reads_items(reconcile)
        self._queries_indexes(reconcile, "GSI1", "GSI2", "GSI3")
        reconcile.may("updates-what-is-there", ["dynamodb:UpdateItem"], [self._args.table.arn])
        self._reads_files(reconcile)

    def _function(
        self,
        module: str,
        *,
        openai: OpenAIAccess | None = None,
        pinecone: PineconeAccess | None = None,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
    ) -> Function:
        function = Function(
            f"{self._name}-{module.replace('_', '-')}",
            FunctionArgs(
                code=self._args.code,
                handler=f"functions.completions.handlers.{module}.handler",
                timeout_seconds=_TIMEOUT_SECONDS[module],
                memory_megabytes=_MEMORY_MEGABYTES[module],
                temporary_storage_megabytes=_TEMPORARY_STORAGE_MEGABYTES.get(module, 512),
                log_retention_days=self._args.log_retention_days,
                openai=openai,
                pinecone=pinecone,
                environment={"LABEL_TABLE": self._args.table.name, **(environment or {})},
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.by_name[module] = function
        return function

    def _reads_items(self, function: Function) -> None:
        function.may("reads-items", ["dynamodb:GetItem"], [self._args.table.arn])

    def _queries_table(self, function: Function) -> None:
        function.may("queries-the-table", ["dynamodb:Query"], [self._args.table.arn])

    def _queries_indexes(self, function: Function, *indexes: str) -> None:
        """An index is a resource of its own: whoever queries it need not query its table."""
        table = self._args.table.arn
        arns = [pulumi.Output.concat(table, f"/index/{index}") for index in indexes]
        function.may("queries-indexes", ["dynamodb:Query"], arns)

    def _writes_labels(self, function: Function) -> None:
        function.may(
            "writes-labels", ["dynamodb:PutItem", "dynamodb:UpdateItem"], [self._args.table.arn]
        )

    def _reads_files(self, function: Function) -> None:
        """S3 says of a file that it is not there only to whoever may list the bucket."""
        bucket = self._args.bucket
        function.may("reads-files", ["s3:GetObject"], [bucket.files])
        function.may("sees-missing-files", ["s3:ListBucket"], [bucket.bucket.arn])
