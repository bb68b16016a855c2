"""What the program registers, as Pulumi's engine hears of it: at a preview, and at an update."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.rpc import UNKNOWN

from infra import bundle
from local.program import run_program
from tests.infra.conftest import ROOT, Recorded
from tests.policy.seen import Seen

STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))
ARCHIVE = ROOT / "functions.zip"  # a preview only names it
# All that the files of the stacks lack: what is only there with a key can go wrong as well.
_CONFIG = {"pineconeIndexHost": "words.example.com"}
SECRETS = {
    "openaiApiKey": "sk-test",
    "pineconeApiKey": "pc-test",
    "webhookSecret": "whsec_dGVzdC10ZXN0LXRlc3QtdGVzdA==",
}


class Engine(MockMonitor):
    """Notes each registration, and answers with the inputs and what AWS made of them.

    At a preview nobody knows what AWS will make. The real engine knows the names that it draws, so
    it knows a little more. Afterwards all of it is known, and the same each time.
    """

    def __init__(self, mocks: pulumi.runtime.Mocks, *, preview: bool) -> None:
        super().__init__(mocks)
        self.seen: list[Seen] = []
        self._preview = preview

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Note it, and answer."""
        urn = self.make_urn(request.parent, request.type, request.name)
        response = resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        inputs = json_format.MessageToDict(request.object)
        made = _made(request.type, request.name, inputs) if request.custom else {}
        if self._preview:
            made = dict.fromkeys(made, UNKNOWN)
        elif made:
            response.id = made["id"]
            json_format.ParseDict({**made, **inputs}, response.object)
        refers = {key: list(of.urns) for key, of in request.propertyDependencies.items()}
        outputs = {**made, **inputs}
        self.seen.append(Seen(urn, request.type, request.name, inputs, outputs, refers))
        return response


def _made(token: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the program and the policies read of a resource and AWS makes."""
    service = token.removeprefix("aws:").partition("/")[0]
    arn = f"arn:aws:{service}:eu-central-1:000000000000:{name}"
    return {
        # A secret's id is its ARN.
        "id": arn if token == "aws:secretsmanager/secret:Secret" else name,
        "arn": arn,
        "name": name,
        "bucket": name,
        "url": f"https://sqs.example/000000000000/{name}",
        "secretArn": inputs.get("secretId", ""),
    }


def registered(
    stack: str, *, preview: bool, program: Path = ROOT, archive: Path | None = ARCHIVE
) -> dict[str, Seen]:
    """The resources by URN. Without an archive, the bundle is built as for Lambda."""
    mocks = Recorded()
    engine = Engine(mocks, preview=preview)
    set_mocks = pulumi.runtime.set_mocks

    def set_engine(mocks: pulumi.runtime.Mocks, **settings: Any) -> None:
        set_mocks(mocks, **{**settings, "preview": preview, "monitor": engine})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulumi.runtime, "set_mocks", set_engine)
        if archive is not None:
            patch.setattr(bundle, "build", lambda _target: archive)
        run_program(mocks, program=program, stack=stack, config=_CONFIG, secrets=SECRETS)
    resources = {each.urn: each for each in engine.seen}
    assert len(resources) == len(engine.seen), "two resources have the same URN"
    return resources


def inputs_by_urn(resources: Mapping[str, Seen]) -> dict[str, Mapping[str, Any]]:
    """What the program gave each resource, by URN."""
    return {urn: each.inputs for urn, each in resources.items()}


def agree(previewed: Any, made: Any) -> bool:
    """Whether what an update uses is what its preview showed, where the preview knew it."""
    if previewed == UNKNOWN:
        return True
    if isinstance(previewed, dict) and isinstance(made, dict):
        return previewed.keys() == made.keys() and all(
            agree(value, made[key]) for key, value in previewed.items()
        )
    if isinstance(previewed, list) and isinstance(made, list):
        return len(previewed) == len(made) and all(map(agree, previewed, made))
    return bool(previewed == made)
