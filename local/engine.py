"""Takes the place of Pulumi's engine: each resource of a program is created in the embedded AWS."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from local.aws import Aws
from local.resources import ResourceError, creator

# How a secret is wrapped on its way to the engine.
_SIGNATURE = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True)
class Resource:
    """A resource as it was created: its type token, logical name, id, inputs and outputs."""

    type: str
    name: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


class EmbeddedEngine(pulumi.runtime.Mocks):
    """Creates the resources that a program registers."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        # A service's first request has moto parse its routes, which Python 3.11 up to 3.11.7 does
        # not stand from two threads at once: https://github.com/python/cpython/issues/106905
        self._one_at_a_time = threading.Lock()
        self.resources: list[Resource] = []

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        """Create one; components, which are nothing in AWS, pass through."""
        if not args.custom or args.typ.startswith("pulumi:"):
            return None, dict(args.inputs)
        if args.resource_id:
            raise ResourceError(f"{args.typ} {args.name}: nothing exists here that can be imported")
        inputs = plain(args.inputs)
        try:
            with self._one_at_a_time:
                created = creator(args.typ)(self._aws, args.name, inputs)
        except (BotoCoreError, ClientError, ResourceError) as error:
            raise ResourceError(f"{args.typ} {args.name}: {error}") from error
        outputs = {**inputs, **created.outputs}
        self.resources.append(Resource(args.typ, args.name, created.id, inputs, outputs))
        return created.id, outputs

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Answer what a program asks the provider."""
        region, account = self._aws.region, self._aws.account
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "id": account,
                "accountId": account,
                "arn": f"arn:aws:iam::{account}:root",
                "userId": account,
            },
            "aws:index/getRegion:getRegion": {
                "id": region,
                "name": region,
                "region": region,
                "description": region,
                "endpoint": f"ec2.{region}.amazonaws.com",
            },
            "aws:index/getPartition:getPartition": {
                "id": "aws",
                "partition": "aws",
                "dnsSuffix": "amazonaws.com",
                "reverseDnsPrefix": "com.amazonaws",
            },
        }
        if args.token not in answers:
            raise ResourceError(
                f"{args.token} has no answer in the embedded AWS: give it one in local/engine.py"
            )
        return answers[args.token], []


def plain(value: Any) -> Any:
    """Inputs as the program wrote them: secrets unwrapped, and whole numbers as integers."""
    if isinstance(value, Mapping):
        if _SIGNATURE in value and "value" in value:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
