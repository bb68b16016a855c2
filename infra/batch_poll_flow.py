"""``VectorStoreBatchFlow``: the state machine that waits for a file batch."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.function import Function, FunctionArgs, OpenAIAccess
from infra.grants import assumable_by, grant, grant_tracing
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
        self.state_machine = self._state_machine(args)
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

    def _state_machine(self, args: BatchPollFlowArgs) -> aws.sfn.StateMachine:
        role = aws.iam.Role(
            f"{self._name}-role", assume_role_policy=assumable_by("states"), opts=self._child
        )
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-logs", retention_in_days=args.log_retention_days, opts=self._child
        )
        grants = [
            grant(
                f"{self._name}-calls-check",
                role,
                actions=["lambda:InvokeFunction"],
                resources=[self.check.function.arn],
            ),
            grant(
                f"{self._name}-sends-notifications-and-dead-letters",
                role,
                actions=["sqs:SendMessage"],
                resources=[args.notify_queue.arn, self.dead_letters.arn],
            ),
            # Log delivery is granted on all or not at all:
            # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
            grant(
                f"{self._name}-delivers-logs",
                role,
                actions=[
                    "logs:CreateLogDelivery",
                    "logs:GetLogDelivery",
                    "logs:UpdateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:DescribeResourcePolicies",
                    "logs:DescribeLogGroups",
                ],
                resources=["*"],
            ),
            grant_tracing(self._name, role),
        ]
        definition = vector_store_batch_flow(
            polling=args.polling,
            check_function_arn=self.check.function.arn,
            notify_queue_url=args.notify_queue.url,
            dead_letter_queue_url=self.dead_letters.url,
        )
        return aws.sfn.StateMachine(
            f"{self._name}-state-machine",
            role_arn=role.arn,
            definition=pulumi.Output.json_dumps(definition),
            logging_configuration={
                "level": "ERROR",
                "include_execution_data": False,
                "log_destination": pulumi.Output.concat(logs.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            # Step Functions refuses a machine whose role may not deliver its logs yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*grants, *self.check.grants]),
        )

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
