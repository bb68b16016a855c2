"""What the program registers with its defaults and everything that is optional.

Physical names are the logical ones, so that pages say what ``pulumi preview`` shows.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi

from infra import bundle
from local.engine import plain
from local.program import run_program

ROOT = Path(__file__).parents[2]
# No file sets anything for a stack of this name.
_STACK = "any"
_CONFIG = {"pineconeIndexHost": "words.example.com"}
_SECRETS = {"openaiApiKey": "sk-any", "pineconeApiKey": "pc-any", "webhookSecret": "whsec_any"}
_MACHINE = "aws:sfn/stateMachine:StateMachine"
_PREFIX = re.compile(r"(arn:aws:\w+:any-region-1:000000000000:|https://url\.invalid/)(.+)")


@dataclass(frozen=True)
class Resource:
    """A resource that was registered, by its type token and logical name."""

    type: str
    name: str
    inputs: Mapping[str, Any]

    def document(self, key: str) -> dict[str, Any]:
        """An input that is a JSON document."""
        decoded: dict[str, Any] = json.loads(self.inputs[key])
        return decoded


@dataclass(frozen=True)
class Program:
    """The resources, sorted by name, and for each output the resource that it is of."""

    resources: Sequence[Resource]
    outputs: Mapping[str, str]

    def of(self, token: str) -> list[Resource]:
        """All resources of a type, such as ``aws:sqs/queue:Queue``."""
        return [resource for resource in self.resources if resource.type == token]

    def machines(self) -> list[Resource]:
        """The state machines."""
        return self.of(_MACHINE)


@dataclass
class _Recorder(pulumi.runtime.Mocks):
    """Takes the engine's place and creates nothing."""

    resources: list[Resource] = field(default_factory=list)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = plain(args.inputs)
        self.resources.append(Resource(args.typ, args.name, inputs))
        service = args.typ.split("/")[0].removeprefix("aws:")
        kind = "stateMachine:" if args.typ == _MACHINE else ""
        arn = f"arn:aws:{service}:any-region-1:000000000000:{kind}{args.name}"
        url = f"https://url.invalid/{args.name}"
        # A secret's id is its ARN.
        return arn if args.typ == "aws:secretsmanager/secret:Secret" else args.name, inputs | {
            "name": args.name,
            "arn": arn,
            "url": url,
            "functionUrl": url,
            "secretArn": inputs.get("secretId", arn),
            "bucket": args.name,
        }

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise AssertionError(f"the program asks AWS at preview: {args.token}")


@cache
def program() -> Program:
    """Run ``__main__.py`` before a recorder; no bundle is built for it."""
    recorder = _Recorder()
    with mock.patch.object(bundle, "build", return_value=ROOT / "functions" / "requirements.txt"):
        outputs = run_program(
            recorder, program=ROOT, stack=_STACK, config=_CONFIG, secrets=_SECRETS
        )
    return Program(
        resources=sorted(recorder.resources, key=lambda found: (found.name, found.type)),
        outputs={name: logical_name(value) for name, value in outputs.items()},
    )


def logical_name(reference: str) -> str:
    """The resource's own name for what AWS would call it: an ARN, a URL or a name.

    What comes after the ARN stays, as in ``labels-table/index/GSI1``.
    """
    matched = _PREFIX.fullmatch(reference)
    name = matched[2] if matched else reference
    machine, of_executions = name.removeprefix("stateMachine:"), name.removeprefix("execution:")
    return f"executions of {of_executions[:-2]}" if of_executions != name else machine
