"""What the plugin says that its components take and give, and that the examples keep to it."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2

from infra import (
    AnalysisArgs,
    CompletionFlowArgs,
    CompletionPolling,
    CompletionSchedules,
    CompletionSettings,
    IngestArgs,
    IngestPipelineArgs,
    Polling,
)
from provider import inputs
from provider.components import COMPONENTS, NAME
from tests.infra.conftest import ROOT
from tests.infra.test_arguments import words
from tests.provider.plugin import plugin

EXAMPLES = ROOT / "provider" / "example"
GROUPS = {
    inputs.Ingest: IngestArgs,
    inputs.Polling: Polling,
    inputs.Analysis: AnalysisArgs,
    inputs.Completion: CompletionSettings,
    inputs.CompletionPolling: CompletionPolling,
    inputs.CompletionSchedules: CompletionSchedules,
}
# An account is no group: its secret may be an output. The bundle is the plugin's own.
FLAT = {
    inputs.IngestPipelineInputs: (IngestPipelineArgs, {"openai", "code"}),
    inputs.CompletionFlowInputs: (CompletionFlowArgs, {"openai", "code", "pinecone"}),
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """As Pulumi reads it from the plugin, of which it must be whole before it is asked."""
    with plugin(tmp_path_factory.mktemp("program")) as provider:
        answer = provider.GetSchema(provider_pb2.GetSchemaRequest(version=0))
    told: dict[str, Any] = json.loads(answer.schema)
    return told


def test_the_plugin_offers_the_flows_and_the_keys_that_they_need(schema: dict[str, Any]) -> None:
    assert schema["name"] == NAME
    assert list(schema["resources"]) == [f"{NAME}:index:{cls.__name__}" for cls in COMPONENTS]
    required = {token: each["requiredInputs"] for token, each in schema["resources"].items()}
    assert required == {
        f"{NAME}:index:ApiKey": ["value"],
        f"{NAME}:index:IngestPipeline": ["openaiKeySecretArn"],
        f"{NAME}:index:CompletionFlow": ["openaiKeySecretArn"],
    }
    assert [token for token, each in schema["types"].items() if "required" in each] == []


def test_everything_that_is_offered_says_what_it_is(schema: dict[str, Any]) -> None:
    silent = [
        f"{token}.{name}"
        for token, each in [*schema["resources"].items(), *schema["types"].items()]
        for kind in ("inputProperties", "properties")
        for name, said in (each.get(kind) or {}).items()
        if not said.get("description")
    ]
    assert silent == []
    assert all(each["description"] for each in schema["resources"].values())


def test_every_output_is_there_for_sure_and_is_a_text(schema: dict[str, Any]) -> None:
    for each in schema["resources"].values():
        assert each["properties"]
        assert sorted(each["properties"]) == each["required"]
        assert {said["type"] for said in each["properties"].values()} == {"string"}


def test_a_group_has_the_arguments_of_infra_and_their_words() -> None:
    for group, cls in GROUPS.items():
        assert words(group) == words(cls)
        assert list(get_type_hints(group)) == list(words(cls))
    for flat, (cls, otherwise) in FLAT.items():
        names = {each.name for each in dataclasses.fields(cls)} - otherwise
        assert names == {
            name for name in words(flat) if not name.startswith(("openai", "pinecone"))
        }
        shared = words(cls).keys() & names
        assert {name: words(flat)[name] for name in shared} == {
            name: words(cls)[name] for name in shared
        }


def test_only_texts_that_are_known_later_may_be_outputs(schema: dict[str, Any]) -> None:
    later = {
        f"{token.rsplit(':', 1)[1]}.{name}"
        for token, each in schema["resources"].items()
        for name, said in each["inputProperties"].items()
        if not said.get("plain")
    }
    assert later == {
        "ApiKey.value",
        "IngestPipeline.openaiKeySecretArn",
        "CompletionFlow.openaiKeySecretArn",
        "CompletionFlow.pineconeKeySecretArn",
    }


def yaml_resources() -> Iterator[tuple[str, Mapping[str, Any]]]:
    program = yaml.safe_load((EXAMPLES / "yaml" / "Pulumi.yaml").read_text())
    for each in program["resources"].values():
        yield each["type"], each["properties"]


def typescript_resources() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """An object of TypeScript without nested calls is a flow mapping of YAML."""
    text = (EXAMPLES / "typescript" / "index.ts").read_text()
    for component, properties in re.findall(
        r'new flows\.(\w+)\("[^"]+", (\{.*?^\})', text, re.MULTILINE | re.DOTALL
    ):
        yield f"{NAME}:index:{component}", yaml.safe_load(properties)


@pytest.mark.parametrize("resources", [yaml_resources, typescript_resources])
def test_an_example_gives_what_the_schema_takes(resources: Any, schema: dict[str, Any]) -> None:
    found = list(resources())
    assert len(found) >= 2
    for token, properties in found:
        resource = schema["resources"][token]
        assert set(resource["requiredInputs"]) <= properties.keys()
        check(properties, resource["inputProperties"], schema)


def test_an_example_exports_what_the_schema_gives(schema: dict[str, Any]) -> None:
    program = yaml.safe_load((EXAMPLES / "yaml" / "Pulumi.yaml").read_text())
    used = re.findall(r"\$\{(\w+)\.(\w+)\}", json.dumps(program))
    assert len(used) == 5
    typescript = (EXAMPLES / "typescript" / "index.ts").read_text()
    kinds = dict(re.findall(r"const (\w+) = new flows\.(\w+)\(", typescript))
    outputs = [
        *((program["resources"][name]["type"], output) for name, output in used),
        *(
            (f"{NAME}:index:{kinds[name]}", output)
            for name, output in re.findall(r"\b(\w+)\.(\w+)[,;]", typescript)
        ),
    ]
    assert len(outputs) == len(used) + 2
    for token, output in outputs:
        assert output in schema["resources"][token]["properties"]


@pytest.mark.parametrize("language", ["yaml", "typescript"])
def test_an_example_finds_the_plugin(language: str) -> None:
    project = EXAMPLES / language / "Pulumi.yaml"
    packages = yaml.safe_load(project.read_text())["packages"]
    assert (project.parent / packages[NAME] / "PulumiPlugin.yaml").is_file()


def test_pulumi_can_install_and_start_the_plugin() -> None:
    manifest = yaml.safe_load((ROOT / "provider" / "PulumiPlugin.yaml").read_text())
    assert manifest["runtime"]["name"] == "python"
    pins = (ROOT / "provider" / "requirements.txt").read_text().splitlines()
    [included] = [line.removeprefix("-r ") for line in pins if not line.startswith("#")]
    assert (ROOT / "provider" / included).resolve() == ROOT / "requirements.txt"


def check(values: Mapping[str, Any], properties: Mapping[str, Any], schema: Any) -> None:
    """Each value is of a property that there is, and of its type, if it is known."""
    for name, value in values.items():
        assert name in properties
        said = properties[name]
        if said.get("$ref"):
            check(value, schema["types"][said["$ref"].rsplit("/", 1)[1]]["properties"], schema)
        else:
            assert fits(value, said), (name, value, said)


def fits(value: Any, said: Mapping[str, Any]) -> bool:
    kinds = {"string": str, "integer": int, "number": int | float, "boolean": bool, "array": list}
    items = value if said["type"] == "array" else []
    kind: Any = kinds[said["type"]]
    return isinstance(value, kind) and all(fits(item, said["items"]) for item in items)
