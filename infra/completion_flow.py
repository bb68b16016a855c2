"""The label-completion flow: submit, poll, and mend what went wrong on the way."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pydantic import Field, InstanceOf
from pydantic.dataclasses import dataclass

from infra.argument_combinations import refuse_impossible_labels
from infra.arguments import CompletionSchedules, CompletionSettings
from infra.batch_bucket import BatchBucket, BatchBucketArgs
from infra.bundle import lambda_archive
from infra.checked import CHECKED, LogRetentionDays
from infra.completion_functions import CompletionFunctions, CompletionFunctionsArgs
from infra.function import Function, OpenAIAccess, PineconeAccess
from infra.machine import Machine, MachineArgs
from infra.queue import dead_letter_queue
from infra.schedules import Schedule, ScheduleArgs
from infra.state_machines import (
    COMPLETION_TIMEOUT_SECONDS,
    CompletionPolling,
    completion_poll_flow,
)

_INDEXES = ("GSI1", "GSI2", "GSI3")


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class CompletionFlowArgs:
    """The label-completion flow of one stack."""

    openai: OpenAIAccess
    code: InstanceOf[pulumi.Archive] = Field(default_factory=lambda_archive)
    """What the functions run: built when it is not given, and the same for both flows."""
    pinecone: PineconeAccess | None = None
    """Without it, no word is projected to Pinecone."""
    completion: CompletionSettings = CompletionSettings()
    polling: CompletionPolling = CompletionPolling()
    schedules: CompletionSchedules = CompletionSchedules()
    batch_retention_days: int = Field(default=90, ge=30, le=3_650)
    """Days that the batches' targets and raw answers are kept (30 to 3650)."""
    log_retention_days: LogRetentionDays = 30
    """Days that CloudWatch keeps logs, one of the numbers that it accepts."""


class CompletionFlow(pulumi.ComponentResource):
    """Label table, batch bucket, functions, ``CompletionPollFlow``, and what starts them."""

    def __init__(
        self, name: str, args: CompletionFlowArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse_impossible_labels(name, args)
        super().__init__("openai-batch-flows:index:CompletionFlow", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.dead_letters = dead_letter_queue(f"{name}-dead-letters", self._child)
        self.label_table = self._table()
        self.bucket = BatchBucket(
            f"{name}-batches",
            BatchBucketArgs(retention_days=args.batch_retention_days),
            self._child,
        )
        self.functions: Mapping[str, Function] = CompletionFunctions(
            name,
            CompletionFunctionsArgs(
                code=args.code,
                openai=args.openai,
                pinecone=args.pinecone,
                table=self.label_table,
                bucket=self.bucket,
                settings=args.completion,
                log_retention_days=args.log_retention_days,
            ),
            self._child,
        ).by_name
        self.machine = self._machine(args)
        self._start_polling(args.schedules)
        self._start("submit", args.schedules.submit_minutes, enabled=args.schedules.enabled)
        self._start("reconcile", args.schedules.reconcile_minutes, enabled=args.schedules.enabled)
        self.register_outputs(
            {
                "labelTableName": self.label_table.name,
                "batchBucketName": self.bucket.bucket.bucket,
                "pollFlowArn": self.machine.state_machine.arn,
            }
        )

    def _table(self) -> aws.dynamodb.Table:
        keys = [("PK", "SK"), *((f"{index}PK", f"{index}SK") for index in _INDEXES)]
        return aws.dynamodb.Table(
            f"{self._name}-table",
            billing_mode="PAY_PER_REQUEST",
            hash_key="PK",
            range_key="SK",
            attributes=[{"name": name, "type": "S"} for pair in keys for name in pair],
            global_secondary_indexes=[
                {
                    "name": index,
                    "key_schemas": [
                        {"attribute_name": f"{index}PK", "key_type": "HASH"},
                        {"attribute_name": f"{index}SK", "key_type": "RANGE"},
                    ],
                    "projection_type": "ALL",
                }
                for index in _INDEXES
            ],
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True},
            opts=self._child,
        )

    def _machine(self, args: CompletionFlowArgs) -> Machine:
        called = {
            name: function
            for name, function in self.functions.items()
            if name in COMPLETION_TIMEOUT_SECONDS
        }
        machine = Machine(
            f"{self._name}-poll",
            MachineArgs(
                definition=completion_poll_flow(
                    polling=args.polling,
                    functions={name: found.function.arn for name, found in called.items()},
                ),
                functions=list(called.values()),
                log_retention_days=args.log_retention_days,
            ),
            self._child,
        )
        arn = machine.state_machine.arn
        # The children of a Distributed Map are executions of the machine itself:
        # https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        # That page names them {machine}:*; with the Map's label they are {machine}/{label}:*.
        executions = arn.apply(lambda arn: arn.replace(":stateMachine:", ":execution:"))
        machine.may("starts-its-children", ["states:StartExecution"], [arn])
        machine.may(
            "watches-its-children",
            ["states:DescribeExecution", "states:StopExecution"],
            [pulumi.Output.concat(executions, ":*"), pulumi.Output.concat(executions, "/*")],
        )
        machine.may("reads-lists-of-chunks", ["s3:GetObject"], [self.bucket.files])
        return machine

    def _start_polling(self, schedules: CompletionSchedules) -> None:
        Schedule(
            f"{self._name}-poll-schedule",
            ScheduleArgs(
                minutes=schedules.poll_minutes,
                enabled=schedules.enabled,
                target_arn=self.machine.state_machine.arn,
                action="states:StartExecution",
                dead_letters=self.dead_letters,
                after=self.machine.grants,
            ),
            self._child,
        )

    def _start(self, module: str, minutes: int, *, enabled: bool) -> None:
        function = self.functions[module]
        kept = function.keep_failures_in(self.dead_letters)
        Schedule(
            f"{function.name}-schedule",
            ScheduleArgs(
                minutes=minutes,
                enabled=enabled,
                target_arn=function.function.arn,
                action="lambda:InvokeFunction",
                dead_letters=self.dead_letters,
                after=[*function.grants, kept],
            ),
            self._child,
        )
