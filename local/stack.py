"""This repository's program on the embedded AWS, with an OpenAI beside it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openai import OpenAI

from local.embedded import EmbeddedAws
from local.standins.openai import OpenAIStandIn
from local.unpacked import unpacked

PROGRAM = Path(__file__).parent.parent
LOCAL_KEY = "sk-local"
OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, kw_only=True)
class OpenAIServer:
    """An OpenAI that is not the stand-in; without a ``base_url``, OpenAI's own."""

    base_url: str | None = None
    key: str = field(default=LOCAL_KEY, repr=False)


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """A stack that is up. Without a stand-in, ``openai`` is another server."""

    aws: EmbeddedAws
    openai: OpenAIServer
    standin: OpenAIStandIn | None

    def openai_client(self) -> OpenAI:
        """A client of the OpenAI that the functions talk to."""
        return OpenAI(api_key=self.openai.key, base_url=self.openai.base_url or OPENAI_URL)


@contextmanager
def running(
    *, config: Mapping[str, str], openai: OpenAIServer | None = None, port: int = 0
) -> Iterator[LocalStack]:
    """Build, deploy and run the stack; when the block ends, nothing of it is left.

    ``config`` goes on top of ``Pulumi.local.yaml``; ``port`` is that of AWS, 0 for a free one.
    Errors: ConfigError and SettingsError for the configuration, AwsError for the port.
    """
    with ExitStack() as started:
        standin = None
        if openai is None:
            standin = started.enter_context(OpenAIStandIn())
            openai = OpenAIServer(base_url=standin.base_url)
        functions = unpacked()
        aws = started.enter_context(
            EmbeddedAws(
                program=PROGRAM,
                code_dir=functions.code,
                runtime_dir=functions.runtime,
                cache_dir=functions.compiled,
                config={"openaiBaseUrl": openai.base_url or "", **config},
                secrets={"openaiApiKey": openai.key},
                port=port,
            )
        )
        yield LocalStack(aws=aws, openai=openai, standin=standin)
