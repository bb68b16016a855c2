"""The sweep of documents at OpenAI that belong to nothing."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.function import Function, FunctionArgs, OpenAIAccess
from infra.queue import dead_letter_queue
from infra.schedules import Schedule, ScheduleArgs

_TIMEOUT_SECONDS = 900
_MEMORY_MEGABYTES = 512


@dataclass(frozen=True, kw_only=True)
class FileSweepArgs:
    """Whose files are looked through, and how often."""

    code: pulumi.Archive
    openai: OpenAIAccess
    ledger_table: aws.dynamodb.Table
    """Names the files that belong to something; its own name marks those that are ours."""
    hours: int
    """1 to 24."""
    log_retention_days: int


class FileSweep(pulumi.ComponentResource):
    """The function, its schedule, and a dead-letter queue for runs that failed."""

    def __init__(
        self, name: str, args: FileSweepArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:FileSweep", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.dead_letters = dead_letter_queue(f"{name}-dead-letters", child)
        self.function = Function(
            name,
            FunctionArgs(
                code=args.code,
                handler="functions.sweep.handler.handler",
                timeout_seconds=_TIMEOUT_SECONDS,
                memory_megabytes=_MEMORY_MEGABYTES,
                log_retention_days=args.log_retention_days,
                openai=args.openai,
                environment={"INGEST_LEDGER_TABLE": args.ledger_table.name},
            ),
            child,
        )
        self.function.may(
            "reads-the-ledger-and-keeps-its-position",
            ["dynamodb:GetItem", "dynamodb:PutItem"],
            [args.ledger_table.arn],
        )
        kept = self.function.keep_failures_in(self.dead_letters)
        Schedule(
            f"{name}-schedule",
            ScheduleArgs(
                minutes=args.hours * 60,
                enabled=True,
                target_arn=self.function.function.arn,
                action="lambda:InvokeFunction",
                dead_letters=self.dead_letters,
                after=[*self.function.grants, kept],
            ),
            child,
        )
        self.register_outputs(
            {
                "functionName": self.function.function.name,
                "deadLetterQueueUrl": self.dead_letters.url,
            }
        )
