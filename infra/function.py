"""A Lambda function with a role, a log group and nothing that it does not need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws
from pydantic import Field
from pydantic.dataclasses import dataclass as checked_dataclass

from infra import bundle
from infra.checked import CHECKED, OpenAIUrl, PineconeHost, TextInput
from infra.grants import assumable_by, grant, grant_tracing

# Of an event that comes again with the next schedule, one more try is enough, and an old one is
# worth nothing.
_MORE_TRIES = 1
_EVENT_AGE_SECONDS = 3600


@checked_dataclass(frozen=True, kw_only=True, config=CHECKED)
class OpenAIAccess:
    """Where OpenAI is and which secret holds its key."""

    key_secret_arn: TextInput
    base_url: OpenAIUrl | None = None
    """Another server that speaks OpenAI's API, none for OpenAI's own."""


@checked_dataclass(frozen=True, kw_only=True, config=CHECKED)
class PineconeAccess:
    """Which index is written to and which secret holds its key."""

    key_secret_arn: TextInput
    index_host: PineconeHost
    """The host or URL of the Pinecone index whose words are labelled."""
    namespace: str = Field(default="words", min_length=1, max_length=512)
    """The namespace of the words in the Pinecone index."""
    updates_per_second: int = Field(default=95, ge=1, le=10_000)
    """The most updates a second of the namespace, of which Pinecone takes 100 (1 to 10000)."""


@dataclass(frozen=True, kw_only=True)
class FunctionArgs:
    """What the function runs, and with how much."""

    code: pulumi.Archive
    handler: str
    """Such as ``functions.ingest.handler.handler``."""
    timeout_seconds: int
    memory_megabytes: int
    log_retention_days: int
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    openai: OpenAIAccess | None = None
    pinecone: PineconeAccess | None = None
    temporary_storage_megabytes: int = 512
    """What ``/tmp`` holds."""
    reserved_concurrency: int | None = None
    """The most invocations at once, where nothing that invokes it bounds them."""


class Function(pulumi.ComponentResource):
    """A traced function that may write its own logs and read its own secrets, and no more."""

    def __init__(
        self, name: str, args: FunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("openai-batch-flows:index:Function", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.name = name
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs", retention_in_days=args.log_retention_days, opts=child
        )
        self.role = aws.iam.Role(
            f"{name}-role", assume_role_policy=assumable_by("lambda"), opts=child
        )
        self.grants = [grant_tracing(name, self.role)]
        self.may(
            "writes-logs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [pulumi.Output.concat(self.log_group.arn, ":*")],
        )
        for service, access in (("openai", args.openai), ("pinecone", args.pinecone)):
            if access is not None:
                self.may(
                    f"reads-{service}-key",
                    ["secretsmanager:GetSecretValue"],
                    [access.key_secret_arn],
                )
        self.function = aws.lambda_.Function(
            f"{name}-function",
            role=self.role.arn,
            code=args.code,
            handler=args.handler,
            runtime=bundle.LAMBDA.runtime,
            architectures=[bundle.LAMBDA.architecture],
            timeout=args.timeout_seconds,
            memory_size=args.memory_megabytes,
            ephemeral_storage={"size": args.temporary_storage_megabytes},
            reserved_concurrent_executions=args.reserved_concurrency,
            environment={"variables": {**_base_environment(name, args), **args.environment}},
            tracing_config={"mode": "Active"},
            logging_config={"log_format": "Text", "log_group": self.log_group.name},
            opts=child,
        )
        self.register_outputs({"arn": self.function.arn, "roleArn": self.role.arn})

    def may(
        self, sentence: str, actions: Sequence[str], resources: Sequence[pulumi.Input[str]]
    ) -> None:
        """Grant something to the function's role; the sentence goes on from the function's name.

        ``grants`` has them all, for whatever sends the function its first event to wait for.
        """
        self.grants.append(
            grant(f"{self.name}-{sentence}", self.role, actions=actions, resources=resources)
        )

    def keep_failures_in(
        self, dead_letters: aws.sqs.Queue
    ) -> aws.lambda_.FunctionEventInvokeConfig:
        """Send an event that was given asynchronously, and failed twice, to a queue."""
        self.may("sends-dead-letters", ["sqs:SendMessage"], [dead_letters.arn])
        return aws.lambda_.FunctionEventInvokeConfig(
            f"{self.name}-failures",
            function_name=self.function.name,
            maximum_retry_attempts=_MORE_TRIES,
            maximum_event_age_in_seconds=_EVENT_AGE_SECONDS,
            destination_config={"on_failure": {"destination": dead_letters.arn}},
            # Lambda refuses a destination that the function may not send to.
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.grants),
        )


def metrics_namespace() -> str:
    """Where the functions' own metrics are: two stacks of an account do not mix."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}"


def _base_environment(name: str, args: FunctionArgs) -> dict[str, pulumi.Input[str]]:
    environment: dict[str, pulumi.Input[str]] = {
        "POWERTOOLS_SERVICE_NAME": name,
        "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(),
    }
    if args.openai is not None:
        environment["OPENAI_API_KEY_SECRET_ARN"] = args.openai.key_secret_arn
        if args.openai.base_url is not None:
            environment["OPENAI_BASE_URL"] = args.openai.base_url
    if args.pinecone is not None:
        environment["PINECONE_API_KEY_SECRET_ARN"] = args.pinecone.key_secret_arn
        environment["PINECONE_INDEX_HOST"] = args.pinecone.index_host
        environment["PINECONE_NAMESPACE"] = args.pinecone.namespace
        environment["PINECONE_UPDATES_PER_SECOND"] = str(args.pinecone.updates_per_second)
    return environment
