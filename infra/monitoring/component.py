"""The monitoring of one stack."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.monitoring.alarm import create
from infra.monitoring.alarms import alarms
from infra.monitoring.dashboard import dashboard_body
from infra.monitoring.topic import AlarmTopic, AlarmTopicArgs
from infra.monitoring.watched import Watched


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What is watched, and who is told."""

    watched: Watched
    subscribers: Sequence[str]
    """E-mail addresses and https URLs."""


class Monitoring(pulumi.ComponentResource):
    """A dashboard, ``url`` being where to see it, and alarms that tell ``topic``."""

    def __init__(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:Monitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # arn:{partition}:states:{region}:{account}:…
        place = args.watched.labels.machine.state_machine.arn.apply(lambda arn: arn.split(":"))
        region = place[3]
        self.dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            # Pulumi gives it no name of its own. CloudWatch takes no dots.
            dashboard_name=f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}".replace(".", "-"),
            dashboard_body=pulumi.Output.json_dumps(dashboard_body(args.watched, region=region)),
            opts=child,
        )
        self.url = pulumi.Output.concat(
            *("https://", region, ".console.aws.amazon.com/cloudwatch/home?region=", region),
            *("#dashboards/dashboard/", self.dashboard.dashboard_name),
        )
        self.topic = AlarmTopic(
            f"{name}-alarms",
            AlarmTopicArgs(subscribers=args.subscribers, account=place[4], partition=place[1]),
            child,
        ).topic
        for alarm in alarms(args.watched):
            create(name, alarm, topic=self.topic, opts=child)
        self.register_outputs({"dashboardUrl": self.url, "topicArn": self.topic.arn})
