"""The topic that alarms tell, and who hears of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

# Who has the account's permission to may do with the key what its life takes, and read nothing
# with it: the policy of a key is the only thing that grants it.
_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateGrant",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
)
_DELETION_DAYS = 7
_ALARMS = {"Service": "cloudwatch.amazonaws.com"}


@dataclass(frozen=True, kw_only=True)
class AlarmTopicArgs:
    """Who hears of alarms, and in which account."""

    subscribers: Sequence[str]
    """E-mail addresses and https URLs. Each has to confirm that it wants to hear of them."""
    account: pulumi.Input[str]
    partition: pulumi.Input[str]
    """Of the account: ``aws``, but in China and for governments."""


class AlarmTopic(pulumi.ComponentResource):
    """An encrypted topic that CloudWatch's alarms of this account may publish to, and nobody else.

    Its key is its own: SNS's, ``alias/aws/sns``, does not let CloudWatch use it, and no one can
    change that. https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
    """

    def __init__(
        self, name: str, args: AlarmTopicArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:AlarmTopic", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._account = args.account
        root = pulumi.Output.concat("arn:", args.partition, ":iam::", args.account, ":root")
        key = aws.kms.Key(
            f"{name}-key",
            description="Encrypts the alarms of a stack on their way",
            enable_key_rotation=True,
            deletion_window_in_days=_DELETION_DAYS,
            # In the policy of a key, all resources are the key.
            # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
            policy=_document(
                {"Principal": {"AWS": root}, "Action": list(_ADMINISTRATION), "Resource": "*"},
                self._alarms_may(["kms:Decrypt", "kms:GenerateDataKey"], "*"),
            ),
            opts=child,
        )
        self.topic = aws.sns.Topic(f"{name}-topic", kms_master_key_id=key.arn, opts=child)
        aws.sns.TopicPolicy(
            f"{name}-takes-alarms-alone",
            arn=self.topic.arn,
            policy=_document(self._alarms_may(["sns:Publish"], self.topic.arn)),
            opts=child,
        )
        for subscriber in args.subscribers:
            aws.sns.TopicSubscription(
                f"{name}-subscriber-{_digest(subscriber)}",
                topic=self.topic.arn,
                protocol="https" if subscriber.startswith("https://") else "email",
                endpoint=subscriber,
                opts=child,
            )
        self.register_outputs({"arn": self.topic.arn})

    def _alarms_may(self, actions: Sequence[str], resource: pulumi.Input[str]) -> dict[str, Any]:
        return {
            "Principal": _ALARMS,
            "Action": list(actions),
            "Resource": resource,
            "Condition": {"StringEquals": {"aws:SourceAccount": self._account}},
        }


def _document(*statements: dict[str, Any]) -> pulumi.Output[str]:
    allowing = [{"Effect": "Allow", **statement} for statement in statements]
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": allowing})


def _digest(subscriber: str) -> str:
    """A name that does not change when others come or go, and shows nobody's address."""
    return hashlib.sha256(subscriber.encode()).hexdigest()[:8]
