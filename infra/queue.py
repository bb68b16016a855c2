"""A queue with its dead-letter queue."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.function import Function

_DAY = 86_400
# A message keeps the time of its first arrival on its way to the dead-letter queue, so the second
# stay has to be the longer one. 14 days is the most that SQS has.
_RETENTION_SECONDS = 4 * _DAY
_DEAD_LETTER_RETENTION_SECONDS = 14 * _DAY


@dataclass(frozen=True, kw_only=True)
class QueueArgs:
    """How messages are tried before they become dead letters."""

    visibility_timeout_seconds: int
    max_receives: int


def dead_letter_queue(name: str, opts: pulumi.ResourceOptions) -> aws.sqs.Queue:
    """A queue that keeps what could not be worked on for 14 days."""
    return aws.sqs.Queue(
        name,
        message_retention_seconds=_DEAD_LETTER_RETENTION_SECONDS,
        sqs_managed_sse_enabled=True,
        opts=opts,
    )


class Queue(pulumi.ComponentResource):
    """A queue, encrypted, whose messages go to ``dead_letters`` after ``max_receives`` tries."""

    def __init__(
        self, name: str, args: QueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:Queue", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._name = name
        self.dead_letters = dead_letter_queue(f"{name}-dead-letters", child)
        self.queue = aws.sqs.Queue(
            f"{name}-queue",
            visibility_timeout_seconds=args.visibility_timeout_seconds,
            message_retention_seconds=_RETENTION_SECONDS,
            sqs_managed_sse_enabled=True,
            redrive_policy=pulumi.Output.json_dumps(
                {
                    "deadLetterTargetArn": self.dead_letters.arn,
                    "maxReceiveCount": args.max_receives,
                }
            ),
            opts=child,
        )
        self.register_outputs(
            {"queueUrl": self.queue.url, "deadLetterQueueUrl": self.dead_letters.url}
        )

    def feed(
        self, function: Function, *, batch_size: int, window_seconds: int, max_concurrency: int
    ) -> aws.lambda_.EventSourceMapping:
        """Have the function work on the messages; those it reports as failed come again."""
        function.may(
            f"reads-{self._name}-queue",
            [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            [self.queue.arn],
        )
        return aws.lambda_.EventSourceMapping(
            f"{function.name}-on-{self._name}-queue",
            event_source_arn=self.queue.arn,
            function_name=function.function.arn,
            batch_size=batch_size,
            maximum_batching_window_in_seconds=window_seconds,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": max_concurrency},
            # Lambda refuses a mapping whose function may not read the queue yet, and the first
            # message wants all the rest too.
            opts=pulumi.ResourceOptions(parent=self, depends_on=function.grants),
        )
