"""A recording engine in the place of Pulumi's: every resource gets a random physical name, so that
only real wiring passes."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra import bundle
from local.engine import plain
from local.program import run_program

ROOT = Path(__file__).parents[2]
_SECRET = "4dabf18193072939515e22adb298388d"  # the mark of a secret on Pulumi's wire


@dataclass(frozen=True)
class Resource:
    """A registered resource: its inputs by provider names, and what AWS would have made of it."""

    type: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    secret: frozenset[str]
    """The inputs that came marked as secret."""

    @property
    def arn(self) -> str:
        return str(self.outputs["arn"])

    def document(self, key: str = "policy") -> dict[str, Any]:
        """An input that is a JSON document."""
        decoded: dict[str, Any] = json.loads(self.inputs[key])
        return decoded


@dataclass
class Recorded(pulumi.runtime.Mocks):
    """What a program registered."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = plain(args.inputs)
        physical = f"{args.name}-{uuid.uuid4().hex[:7]}"
        service = args.typ.split("/")[0].removeprefix("aws:")
        outputs = inputs | {
            "name": physical,
            "arn": f"arn:aws:{service}:eu-central-1:000000000000:{physical}",
            "url": f"https://sqs.example/000000000000/{physical}",
            "functionUrl": f"https://{physical}.lambda-url.example/",
            "secretArn": inputs.get("secretId", ""),
            "bucket": inputs.get("bucket", physical),
        }
        # A secret's id is its ARN.
        identity = outputs["arn"] if args.typ == "aws:secretsmanager/secret:Secret" else physical
        self.resources.append(Resource(args.typ, args.name, inputs, outputs, _secrets(args.inputs)))
        return str(identity), outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise AssertionError(f"the program asks AWS at preview: {args.token}")

    def of(self, token: str) -> list[Resource]:
        """All resources of a type, such as ``aws:sqs/queue:Queue``."""
        return [resource for resource in self.resources if resource.type == token]

    def one(self, name: str) -> Resource:
        """The resource of that logical name."""
        [resource] = [r for r in self.resources if r.name == name]
        return resource

    def grants(self, role: str) -> dict[str, list[Any]]:
        """What a role may do: each action with the resources that it may do it on."""
        physical = self.one(role).outputs["name"]
        allowed: dict[str, list[Any]] = {}
        for policy in self.of("aws:iam/rolePolicy:RolePolicy"):
            if policy.inputs["role"] == physical:
                for statement in policy.document()["Statement"]:
                    for action in statement["Action"]:
                        allowed.setdefault(action, []).extend(statement["Resource"])
        return allowed


Deploy = Callable[..., Recorded]


@pytest.fixture(scope="session")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """Run the real program for a stack, with config values set as by ``pulumi config set``."""
    archive = tmp_path_factory.mktemp("bundle") / "functions.zip"
    archive.write_bytes(b"")

    def run(
        stack: str = "dev",
        config: Mapping[str, str] | None = None,
        *,
        key: str | None = "sk-test",
        pinecone_key: str | None = None,
        webhook_secret: str | None = None,
    ) -> Recorded:
        keys = {
            "openaiApiKey": key,
            "pineconeApiKey": pinecone_key,
            "webhookSecret": webhook_secret,
        }
        recorded = Recorded()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bundle, "build", lambda _target: archive)
            recorded.outputs = run_program(
                recorded,
                program=ROOT,
                stack=stack,
                config=config or {},
                secrets={name: value for name, value in keys.items() if value is not None},
            )
        return recorded

    return run


@pytest.fixture(scope="session")
def recorded(deploy: Deploy) -> Recorded:
    """The program with nothing configured, for all tests that only look."""
    return deploy()


def _secrets(inputs: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(k for k, v in inputs.items() if isinstance(v, dict) and _SECRET in v)
