"""OpenAI's webhooks: a URL that has ``CompletionPollFlow`` look at a job as soon as it ends."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.function import Function, FunctionArgs
from infra.machine import Machine

# OpenAI waits for a few seconds, and delivers again.
_TIMEOUT_SECONDS = 10
_MEMORY_MEGABYTES = 1024
_ANYBODY = "*"


@dataclass(frozen=True, kw_only=True)
class WebhookArgs:
    """Who signs, and what is started."""

    code: pulumi.Archive
    secret_arn: pulumi.Input[str]
    """Of the secret that holds OpenAI's signing secret."""
    machine: Machine
    """``CompletionPollFlow``."""
    reserved_concurrency: int | None
    """The most invocations at once, which no other function of the account can have; None for no
    bound but the account's."""
    log_retention_days: int


class Webhook(pulumi.ComponentResource):
    """A function that anybody may call, and that believes nobody without OpenAI's signature.

    ``url`` is what is given to OpenAI. Whoever calls it can have the function read its secret, and
    with a signature start the one machine, and no more.
    """

    def __init__(
        self, name: str, args: WebhookArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:Webhook", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        machine = args.machine.state_machine.arn
        self.function = Function(
            name,
            FunctionArgs(
                code=args.code,
                handler="functions.webhooks.handler.handler",
                timeout_seconds=_TIMEOUT_SECONDS,
                memory_megabytes=_MEMORY_MEGABYTES,
                reserved_concurrency=args.reserved_concurrency,
                log_retention_days=args.log_retention_days,
                environment={
                    "WEBHOOK_SECRET_ARN": args.secret_arn,
                    "COMPLETION_POLL_FLOW_ARN": machine,
                },
            ),
            child,
        )
        self.function.may("reads-its-secret", ["secretsmanager:GetSecretValue"], [args.secret_arn])
        self.function.may("starts-the-poll-flow", ["states:StartExecution"], [machine])
        url = aws.lambda_.FunctionUrl(
            f"{name}-url",
            function_name=self.function.function.name,
            # OpenAI signs as Standard Webhooks has it, and not as AWS does.
            authorization_type="NONE",
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*self.function.grants, *args.machine.grants]
            ),
        )
        permissions = self._permissions(name, child)
        # Through the permissions, so that whoever is told the URL can call it.
        self.url: pulumi.Output[str] = pulumi.Output.all(
            url.function_url, *(permission.id for permission in permissions)
        ).apply(lambda found: str(found[0]))
        self.register_outputs({"url": self.url})

    def _permissions(
        self, name: str, child: pulumi.ResourceOptions
    ) -> tuple[aws.lambda_.Permission, aws.lambda_.Permission]:
        """Both that a URL takes: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"""
        function = self.function.function.name
        return (
            aws.lambda_.Permission(
                f"{name}-url-is-open-to-anybody",
                function=function,
                action="lambda:InvokeFunctionUrl",
                principal=_ANYBODY,
                function_url_auth_type="NONE",
                opts=child,
            ),
            aws.lambda_.Permission(
                f"{name}-is-invoked-through-its-url-alone",
                function=function,
                action="lambda:InvokeFunction",
                principal=_ANYBODY,
                invoked_via_function_url=True,
                opts=child,
            ),
        )
