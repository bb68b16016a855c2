"""What is done every so many minutes, by EventBridge Scheduler."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.grants import assumable_by, grant

_MORE_TRIES = 10


@dataclass(frozen=True, kw_only=True)
class ScheduleArgs:
    """What is started, how often, and after what."""

    minutes: int
    """1 to 1440."""
    enabled: bool
    target_arn: pulumi.Input[str]
    action: str
    """What the scheduler does with the target, such as ``states:StartExecution``."""
    dead_letters: aws.sqs.Queue
    """Gets what could not be started before the next time."""
    after: Sequence[pulumi.Resource]
    """What has to be there before the first time."""


class Schedule(pulumi.ComponentResource):
    """A schedule with a role that may start its one target and send to one queue."""

    def __init__(
        self, name: str, args: ScheduleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:Schedule", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role", assume_role_policy=assumable_by("scheduler"), opts=child
        )
        grants = [
            grant(
                f"{name}-starts-its-target",
                role,
                actions=[args.action],
                resources=[args.target_arn],
            ),
            grant(
                f"{name}-sends-dead-letters",
                role,
                actions=["sqs:SendMessage"],
                resources=[args.dead_letters.arn],
            ),
        ]
        schedule = aws.scheduler.Schedule(
            name,
            schedule_expression=f"rate({args.minutes} minute{'s' if args.minutes > 1 else ''})",
            flexible_time_window={"mode": "OFF"},
            state="ENABLED" if args.enabled else "DISABLED",
            target={
                "arn": args.target_arn,
                "role_arn": role.arn,
                "input": "{}",
                "retry_policy": {
                    "maximum_retry_attempts": _MORE_TRIES,
                    "maximum_event_age_in_seconds": args.minutes * 60,
                },
                "dead_letter_config": {"arn": args.dead_letters.arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*grants, *args.after]),
        )
        self.register_outputs({"scheduleName": schedule.name})
