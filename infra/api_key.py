"""An API key in Secrets Manager."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class ApiKeyArgs:
    """The key, which Pulumi keeps encrypted in its state."""

    value: pulumi.Input[str]


class ApiKey(pulumi.ComponentResource):
    """A secret that functions read at run time; ``secret_arn`` says where."""

    def __init__(
        self, name: str, args: ApiKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:ApiKey", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secret = aws.secretsmanager.Secret(f"{name}-secret", opts=child)
        version = aws.secretsmanager.SecretVersion(
            f"{name}-version",
            secret_id=secret.id,
            secret_string=args.value,
            opts=child,
        )
        # Through the version, so that whoever reads the secret comes after it has a value.
        self.secret_arn: pulumi.Output[str] = version.secret_arn
        self.register_outputs({"secretArn": self.secret_arn})
