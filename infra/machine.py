"""A state machine with a role, a log group and nothing that it does not need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.function import Function
from infra.grants import assumable_by, grant, grant_log_delivery, grant_tracing


@dataclass(frozen=True, kw_only=True)
class MachineArgs:
    """What the machine does, and with what."""

    definition: Mapping[str, Any]
    functions: Sequence[Function]
    """Those that it calls."""
    queues: Sequence[aws.sqs.Queue] = ()
    """Those that it sends to."""
    log_retention_days: int


class Machine(pulumi.ComponentResource):
    """A traced state machine that logs its errors, without the data of its executions."""

    def __init__(
        self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:Machine", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.name = name
        self.role = aws.iam.Role(
            f"{name}-role", assume_role_policy=assumable_by("states"), opts=child
        )
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs", retention_in_days=args.log_retention_days, opts=child
        )
        self.grants = [grant_tracing(name, self.role), grant_log_delivery(name, self.role)]
        functions = [function.function.arn for function in args.functions]
        self.may("calls-its-functions", ["lambda:InvokeFunction"], functions)
        if args.queues:
            queues = [queue.arn for queue in args.queues]
            self.may("sends-to-its-queues", ["sqs:SendMessage"], queues)
        of_functions = [grant for function in args.functions for grant in function.grants]
        self.state_machine = aws.sfn.StateMachine(
            f"{name}-state-machine",
            role_arn=self.role.arn,
            definition=pulumi.Output.json_dumps(args.definition),
            logging_configuration={
                "level": "ERROR",
                "include_execution_data": False,
                "log_destination": pulumi.Output.concat(logs.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            # Step Functions refuses a machine whose role may not deliver its logs yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self.grants, *of_functions]),
        )
        self.register_outputs({"arn": self.state_machine.arn, "roleArn": self.role.arn})

    def may(
        self, sentence: str, actions: Sequence[str], resources: Sequence[pulumi.Input[str]]
    ) -> None:
        """Grant something to the machine's role; the sentence goes on from the machine's name.

        ``grants`` has them all, for whatever starts the first execution to wait for.
        """
        self.grants.append(
            grant(f"{self.name}-{sentence}", self.role, actions=actions, resources=resources)
        )
