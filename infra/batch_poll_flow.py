"""``VectorStoreBatchFlow``: the state machine that waits for a file batch."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.function import Function, FunctionArgs, OpenAIAccess
from infra.machine import Machine, MachineArgs
from infra.queue import dead_letter_queue
from infra.state_machines import CHECK_TIMEOUT_SECONDS, Polling, vector_store_batch_flow

_CHECK_MEMORY_MEGABYTES = 512


@dataclass(frozen=True, kw_only=True)
class BatchPollFlowArgs:
    """What is polled, how, and who hears of it."""

    code: pulumi.Archive
    openai: OpenAIAccess
    polling: Polling
    notify_queue: aws.sqs.Queue
    """Gets a ``MarketAnalysisRequest`` for each batch that completed."""
    ledger_table: aws.dynamodb.Table
    """Where a file that its batch could not index is recorded."""
    log_retention_days: int


class BatchPollFlow(pulumi.ComponentResource):
    """The state machine, its check function, and a dead letter for each execution that failed."""

    def __init__(
        self, name: str, args: BatchPollFlowArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:BatchPollFlow", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.dead_letters = dead_letter_queue(f"{name}-dead-letters", self._child)
        self.check = self._check_function(args)
        self.state_machine = self._machine(args)
        self._keep_what_no_catch_sees()
        self.register_outputs(
            {"arn": self.state_machine.arn, "deadLetterQueueUrl": self.dead_letters.url}
        )

    def _check_function(self, args: BatchPollFlowArgs) -> Function:
        check = Function(
            f"{self._name}-check",
            FunctionArgs(
                code=args.code,
                handler="functions.vector_store_batch.handler.handler",
                timeout_seconds=CHECK_TIMEOUT_SECONDS,
                memory_megabytes=_CHECK_MEMORY_MEGABYTES,
                log_retention_days=args.log_retention_days,
                openai=args.openai,
                environment={"INGEST_LEDGER_TABLE": args.ledger_table.name},
            ),
            self._child,
        )
        check.may("records-failed-files", ["dynamodb:UpdateItem"], [args.ledger_table.arn])
        return check

    def _machine(self, args: BatchPollFlowArgs) -> aws.sfn.StateMachine:
        definition = vector_store_batch_flow(
            polling=args.polling,
            check_function_arn=self.check.function.arn,
            notify_queue_url=args.notify_queue.url,
            dead_letter_queue_url=self.dead_letters.url,
        )
        machine = Machine(
            self._name,
            MachineArgs(
                definition=definition,
                functions=[self.check],
                queues=[args.notify_queue, self.dead_letters],
                log_retention_days=args.log_retention_days,
            ),
            self._child,
        )
        return machine.state_machine

    def _keep_what_no_catch_sees(self) -> None:
        """A time-out, an abort or a States.Runtime error ends an execution past every Catch."""
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-failures",
            description="Executions that failed, timed out or were aborted",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.states"],
                    "detail-type": ["Step Functions Execution Status Change"],
                    "detail": {
                        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                        "stateMachineArn": [self.state_machine.arn],
                    },
                }
            ),
            opts=self._child,
        )
        allowed = aws.sqs.QueuePolicy(
            f"{self._name}-failures-policy",
            queue_url=self.dead_letters.url,
            policy=pulumi.Output.json_dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": self.dead_letters.arn,
                            "Condition": {"ArnEquals": {"aws:SourceArn": rule.arn}},
                        }
                    ],
                }
            ),
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            f"{self._name}-failures-target",
            rule=rule.name,
            arn=self.dead_letters.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
