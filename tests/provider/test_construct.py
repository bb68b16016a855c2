"""The whole way: the engine has the plugin make a component, with the bundle that Lambda gets."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from tests.infra.conftest import Recorded
from tests.provider.plugin import monitor, plugin

pytestmark = [pytest.mark.bundle]

# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
_MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

Construct = Callable[..., tuple[Any, Recorded]]


@pytest.fixture(scope="module")
def construct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Construct]:
    """Have the plugin make a component; what it says of it, and what it had the engine make."""
    recorded = Recorded()
    with (
        monitor(recorded) as engine,
        plugin(tmp_path_factory.mktemp("program"), engine) as provider,
    ):

        def construct(
            component: str, name: str, given: dict[str, Any], *, preview: bool = False
        ) -> tuple[Any, Recorded]:
            inputs = struct_pb2.Struct()
            inputs.update(given)
            request = provider_pb2.ConstructRequest(
                project="somebody-elses",
                stack="theirs",
                monitorEndpoint=engine,
                type=f"openai-batch-flows:index:{component}",
                name=name,
                inputs=inputs,
                dryRun=preview,
            )
            return provider.Construct(request), recorded

        yield construct


def test_the_engine_gets_a_component_with_all_that_it_is_made_of(construct: Construct) -> None:
    made, recorded = construct(
        "IngestPipeline",
        "news",
        {"openaiKeySecretArn": "arn:key", "ingest": {"maxConcurrency": 20}},
    )
    mapping = recorded.one("news-ingest-on-news-download-queue")
    assert mapping.inputs["scalingConfig"] == {"maximumConcurrency": 20}
    told = recorded.one("news-ingest-function").inputs["environment"]["variables"]
    assert told["POWERTOOLS_METRICS_NAMESPACE"] == "somebody-elses/theirs"
    assert made.state["downloadQueueUrl"] == recorded.one("news-download-queue").outputs["url"]
    assert made.urn.endswith("openai-batch-flows:index:IngestPipeline::news")


def test_a_key_stays_a_secret(construct: Construct) -> None:
    given = {"value": {_MARK: _SECRET, "value": "sk-test"}}
    made, recorded = construct("ApiKey", "openai", given)
    version = recorded.one("openai-version")
    assert version.inputs["secretString"] == "sk-test"
    assert "secretString" in version.secret
    assert made.state["secretArn"] == recorded.one("openai-secret").arn


def test_the_first_preview_knows_no_arn_of_a_key_yet(construct: Construct) -> None:
    unknown = {_MARK: _OUTPUT, "dependencies": ["urn:pulumi:theirs::somebody-elses::t::key"]}
    _, recorded = construct(
        "CompletionFlow", "labels", {"openaiKeySecretArn": unknown}, preview=True
    )
    told = recorded.one("labels-submit-function").inputs["environment"]["variables"]
    assert "OPENAI_API_KEY_SECRET_ARN" not in told
    assert told["COMPLETION_MODEL"] == "gpt-5.4-mini"
