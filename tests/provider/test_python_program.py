"""The components in another Pulumi program in Python, which reads no configuration of ours."""

import json
import re
from typing import Any

import pulumi
import pytest

from infra.argument_combinations import ArgumentsError
from tests.infra.conftest import ROOT, Deploy, Recorded, Resource
from tests.provider.conftest import PROJECT, STACK, Run

# The names are those that this repository's own program has, to be compared with it.
PROGRAM = """
import pulumi
from infra import (
    ApiKey, ApiKeyArgs, CompletionFlow, CompletionFlowArgs, IngestPipeline, IngestPipelineArgs,
    OpenAIAccess,
)

key = ApiKey("openai-key", ApiKeyArgs(value=pulumi.Config().require_secret("openaiApiKey")))
openai = OpenAIAccess(key_secret_arn=key.secret_arn)
documents = IngestPipeline("documents", IngestPipelineArgs(openai=openai))
labels = CompletionFlow("labels", CompletionFlowArgs(openai=openai))
pulumi.export("queue", documents.download.queue.url)
"""


def test_a_program_that_names_the_key_gets_both_flows_as_this_one_deploys_them(
    run: Run, deploy: Deploy
) -> None:
    recorded = deploy(STACK)
    other = run(PROGRAM)
    assert other.outputs == {"queue": other.one("documents-download-queue").outputs["url"]}
    ours = {(resource.type, resource.name): said(resource) for resource in recorded.resources}
    theirs = {(resource.type, resource.name): said(resource) for resource in other.resources}
    names = [name for _, name in theirs]
    assert len([name for name in names if name.startswith("documents-")]) > 30
    assert len([name for name in names if name.startswith("labels-")]) > 50
    assert theirs == {key: ours[key] for key in theirs}


def test_a_component_refuses_what_cannot_work_before_it_makes_anything(run: Run) -> None:
    impossible = PROGRAM.replace(
        "IngestPipelineArgs(openai=openai)",
        "IngestPipelineArgs(openai=openai, queue_retry_delay_seconds=0)",
    ).replace(
        "CompletionFlowArgs(openai=openai)",
        'CompletionFlowArgs(openai=openai, completion={"poll_max_batches": 5_000})',
    )
    with pytest.raises(ArgumentsError, match=r"of documents cannot work .*\s+queue_retry"):
        run(impossible)
    without_documents = re.sub(r"documents = .*|.*export.*", "", impossible)
    with pytest.raises(ArgumentsError, match=r"of labels cannot work .*\s+completion\.poll_max"):
        run(without_documents)


def test_the_program_of_the_documentation_runs(run: Run) -> None:
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/reuse.md").read_text(), re.DOTALL)
    made = run(program)
    assert made.outputs == {
        "downloadQueueUrl": made.one("documents-download-queue").outputs["url"],
        "labelTableName": made.one("labels-table").outputs["name"],
    }
    mapping = made.one("documents-ingest-on-documents-download-queue")
    assert mapping.inputs["scalingConfig"] == {"maximumConcurrency": 20}


def test_everything_is_made_with_the_provider_that_the_component_was_given(run: Run) -> None:
    program = PROGRAM.replace(
        "IngestPipelineArgs(openai=openai))",
        "IngestPipelineArgs(openai=openai), pulumi.ResourceOptions(providers=[elsewhere]))",
    ).replace("key =", 'elsewhere = aws.Provider("elsewhere", region="us-west-2")\nkey =')
    engine = Providers()
    run(f"import pulumi_aws as aws\n{program}", engine)
    made = {name: used for name, used in engine.used.items() if name.startswith("documents-")}
    assert len(made) > 30
    assert {used.split("::")[-2] for used in made.values()} == {"elsewhere"}


class Providers(Recorded):
    """An engine that keeps which provider each resource of AWS is to be made with."""

    def __init__(self) -> None:
        super().__init__()
        self.used: dict[str, str] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.typ.startswith("aws:"):
            self.used[args.name] = args.provider or ""
        return super().new_resource(args)


def said(resource: Resource) -> str:
    """What a program said of a resource, without what is the engine's or the project's."""
    inputs = {key: value for key, value in resource.inputs.items() if key not in ("tags", "code")}
    text = re.sub(r"-[0-9a-f]{7}\b", "", json.dumps(inputs, sort_keys=True))
    return text.replace(f"{PROJECT}/{STACK}", f"openai-batch-flows/{STACK}")
