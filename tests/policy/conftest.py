"""What the real program registers for a stack, as the engine hands it to a policy pack."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format
from pulumi.runtime.mocks import MockMonitor

from tests.infra.conftest import Deploy, deploy
from tests.policy.seen import Seen

__all__ = ["deploy"]

Registered = Callable[[str], list[Seen]]


@pytest.fixture(scope="session")
def registered(deploy: Deploy) -> Registered:
    """The resources of a stack that has everything, once for each stack."""
    stacks: dict[str, list[Seen]] = {}

    def of(stack: str) -> list[Seen]:
        if stack not in stacks:
            stacks[stack] = _registered(deploy, stack)
        return stacks[stack]

    return of


def _registered(deploy: Deploy, stack: str) -> list[Seen]:
    resources: list[Seen] = []
    register: Any = MockMonitor.RegisterResource

    def registering(self: MockMonitor, request: Any) -> Any:
        response = register(self, request)
        inputs, outputs = map(json_format.MessageToDict, (request.object, response.object))
        refers = {key: list(of.urns) for key, of in request.propertyDependencies.items()}
        resources.append(Seen(response.urn, request.type, request.name, inputs, outputs, refers))
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MockMonitor, "RegisterResource", registering)
        deploy(
            stack,
            {
                "alarmSubscribers": '["nights@example.com"]',
                "pineconeIndexHost": "words.example.com",
                "webhookReservedConcurrency": "5",
            },
            pinecone_key="pc-test",
            webhook_secret="whsec_dGVzdC10ZXN0LXRlc3QtdGVzdA==",
        )
    return resources
