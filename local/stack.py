"""This repository's program on the embedded AWS, with an OpenAI and a Pinecone beside it."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openai import OpenAI
from pinecone import Index, Pinecone

from local.config import load_config, project_name
from local.embedded import EmbeddedAws
from local.standins.openai import OpenAIStandIn
from local.standins.pinecone import PineconeStandIn
from local.unpacked import unpacked

PROGRAM = Path(__file__).parent.parent
LOCAL_KEY = "sk-local"
# Of the stand-in's webhooks, as OpenAI makes them: base64 of 32 bytes.
LOCAL_WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"of a stand-in on this machine...").decode()
OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, kw_only=True)
class OpenAIServer:
    """An OpenAI that is not the stand-in; without a ``base_url``, OpenAI's own."""

    base_url: str | None = None
    key: str = field(default=LOCAL_KEY, repr=False)


@dataclass(frozen=True, kw_only=True)
class PineconeServer:
    """A Pinecone index; ``host`` as Pinecone shows it, or a URL."""

    host: str
    key: str = field(default=LOCAL_KEY, repr=False)

    def index(self) -> Index:
        """The SDK's client of the index."""
        return Pinecone(api_key=self.key).index(host=self.host)


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """A stack that is up. Without a stand-in, ``openai`` and ``pinecone`` are other servers."""

    aws: EmbeddedAws
    openai: OpenAIServer
    pinecone: PineconeServer
    namespace: str
    """Of the words' vectors."""
    standin: OpenAIStandIn | None
    vectors: PineconeStandIn | None
    webhook_secret: str | None = field(default=None, repr=False)

    def openai_client(self) -> OpenAI:
        """A client of the OpenAI that the functions talk to."""
        return OpenAI(api_key=self.openai.key, base_url=self.openai.base_url or OPENAI_URL)

    def register_webhook(self) -> None:
        """Have the stand-in tell the stack of the ends of batch jobs."""
        if self.standin is None or self.webhook_secret is None:
            raise ValueError("webhooks take the stand-in, and a secret that it signs them with")
        self.standin.webhooks.add(self.aws.outputs["webhookUrl"], self.webhook_secret)


@contextmanager
def running(
    *,
    config: Mapping[str, str],
    openai: OpenAIServer | None = None,
    pinecone: PineconeServer | None = None,
    webhook_secret: str | None = None,
    port: int = 0,
) -> Iterator[LocalStack]:
    """Build, deploy and run the stack; when the block ends, nothing of it is left.

    ``config`` goes on top of ``Pulumi.local.yaml``; ``port`` is that of AWS, 0 for a free one.
    Stand-ins take the places of ``openai`` and ``pinecone`` where there are none. With a
    ``webhook_secret`` the stack listens to webhooks; nobody sends any before ``register_webhook``.
    Errors: ConfigError and SettingsError for the configuration, AwsError for the port.
    """
    with ExitStack() as started:
        standin = vectors = None
        if openai is None:
            standin = started.enter_context(OpenAIStandIn())
            openai = OpenAIServer(base_url=standin.base_url)
        if pinecone is None:
            vectors = started.enter_context(PineconeStandIn())
            pinecone = PineconeServer(host=vectors.host)
        config = {
            "openaiBaseUrl": openai.base_url or "",
            "pineconeIndexHost": pinecone.host,
            **config,
        }
        functions = unpacked()
        aws = started.enter_context(
            EmbeddedAws(
                program=PROGRAM,
                code_dir=functions.code,
                runtime_dir=functions.runtime,
                cache_dir=functions.compiled,
                config=config,
                secrets={
                    "openaiApiKey": openai.key,
                    "pineconeApiKey": pinecone.key,
                    **({} if webhook_secret is None else {"webhookSecret": webhook_secret}),
                },
                port=port,
            )
        )
        yield LocalStack(
            aws=aws,
            openai=openai,
            pinecone=pinecone,
            namespace=_namespace(config),
            standin=standin,
            vectors=vectors,
            webhook_secret=webhook_secret,
        )


def _namespace(config: Mapping[str, str]) -> str:
    project = PROGRAM / "Pulumi.yaml"
    values = load_config(project, PROGRAM / "Pulumi.local.yaml", config)
    return values[f"{project_name(project)}:pineconeNamespace"]
