"""Every resource that takes tags says whose it is."""

from pathlib import Path

import pytest

from local.program import run_program
from tests.infra.conftest import Deploy, Recorded

PROGRAM = """
import pulumi_aws as aws
from infra.tags import tag_everything

for _ in range(2):
    tag_everything({"stack": "dev", "owner": "platform"})
aws.sqs.Queue("plain")
aws.sqs.Queue("own", tags={"owner": "somebody", "of": "queues"})
aws.sqs.QueuePolicy("takes-none", queue_url="url", policy="{}")
"""


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_everything_is_tagged_with_its_own_stack(deploy: Deploy, stack: str) -> None:
    # In one process, one after the other: no stack gets the tags of the one before.
    recorded = deploy(stack, {"owner": f"owners of {stack}"})
    tags = [each.inputs["tags"] for each in recorded.resources if "tags" in each.inputs]
    assert len(tags) > 40
    expected = {"project": "openai-batch-flows", "stack": stack, "owner": f"owners of {stack}"}
    assert [each for each in tags if each != expected] == []


def test_a_resource_keeps_the_tags_that_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("{name: tagging, runtime: python}")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    recorded = Recorded()
    run_program(recorded, program=tmp_path, stack="dev", config={}, secrets={})
    assert {each.name: each.inputs.get("tags") for each in recorded.resources} == {
        "plain": {"stack": "dev", "owner": "platform"},
        "own": {"stack": "dev", "owner": "somebody", "of": "queues"},
        "takes-none": None,
    }
