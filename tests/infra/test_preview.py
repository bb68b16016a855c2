"""What `pulumi preview` would say of each stack, without an engine, an account or a network."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

import rules
from infra import bundle, settings
from local.config import load_config
from rules import RULES
from tests.infra.conftest import ROOT
from tests.infra.preview import SECRETS, STACKS, agree, inputs_by_urn, registered
from tests.policy.seen import Seen, found

Stack = Mapping[str, Seen]
PRODUCTION = "prod"
HASTY = """
import pulumi

class Thing(pulumi.CustomResource):
    def __init__(self, name, **inputs):
        super().__init__("test:index:Thing", name, {**inputs, "arn": None})

first = Thing("first", value=1)
first.arn.apply(lambda arn: Thing("second", value=arn))
"""


@pytest.fixture(scope="module")
def previews() -> dict[str, Stack]:
    return {stack: registered(stack, preview=True) for stack in STACKS}


@pytest.fixture(scope="module")
def updates() -> dict[str, Stack]:
    return {stack: registered(stack, preview=False) for stack in STACKS}


@pytest.mark.parametrize("stack", STACKS)
def test_the_engine_takes_the_config_of_the_stack(stack: str) -> None:
    config = load_config(ROOT / "Pulumi.yaml", ROOT / f"Pulumi.{stack}.yaml", {})
    assert config["aws:region"], "a preview has to know where"


def test_the_stacks_have_everything_that_a_secret_brings() -> None:
    assert SECRETS.keys() == set(settings._SECRETS)


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_shows_every_resource_that_the_update_makes(
    previews: dict[str, Stack], updates: dict[str, Stack], stack: str
) -> None:
    # One that is made in an apply would be missing.
    assert previews[stack].keys() == updates[stack].keys()


@pytest.mark.parametrize("stack", STACKS)
def test_what_a_preview_knows_is_what_the_update_uses(
    previews: dict[str, Stack], updates: dict[str, Stack], stack: str
) -> None:
    differing = [
        previewed.name
        for urn, previewed in previews[stack].items()
        if not agree(previewed.inputs, updates[stack][urn].inputs)
    ]
    assert differing == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_does_not_know_what_aws_makes(previews: dict[str, Stack], stack: str) -> None:
    shown = previews[stack].values()
    assert len(shown) > 100
    assert len([each for each in shown if UNKNOWN in json.dumps(each.inputs)]) > 50


@pytest.mark.parametrize("stack", STACKS)
def test_the_policies_let_a_preview_pass(previews: dict[str, Stack], stack: str) -> None:
    # As the stack's own file configures it. What is advice in the other stacks stops prod.
    findings = found(previews[stack].values(), RULES, rules.default_level(stack))
    assert [each for each in findings if each.level == "MANDATORY"] == []


def test_every_process_registers_the_same(updates: dict[str, Stack]) -> None:
    # When all is known, so that every document is seen. What is listed from a set would have
    # another order in each process, and be a change at each preview.
    program = (
        "import json; from tests.infra.preview import STACKS, inputs_by_urn, registered; "
        "print(json.dumps({s: inputs_by_urn(registered(s, preview=False)) for s in STACKS}))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'policy'}"},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(elsewhere.stdout) == {s: inputs_by_urn(updates[s]) for s in STACKS}


@pytest.mark.bundle
def test_every_function_ships_the_bundle_that_is_built() -> None:
    archive = bundle.build(bundle.LAMBDA)
    assert archive.exists()
    resources = registered(PRODUCTION, preview=True, archive=None).values()
    functions = [each for each in resources if each.type == "aws:lambda/function:Function"]
    assert functions
    assert {each.inputs["code"]["path"] for each in functions} == {str(archive)}


def test_a_resource_that_is_made_in_an_apply_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("{name: hasty, runtime: python}")
    (tmp_path / "__main__.py").write_text(HASTY)
    names = [
        {each.name for each in registered("dev", preview=preview, program=tmp_path).values()}
        for preview in (True, False)
    ]
    assert "first" in names[0]
    assert names[1] - names[0] == {"second"}


@pytest.mark.parametrize(
    ("previewed", "made", "agreeing"),
    [
        ({"a": [1, UNKNOWN]}, {"a": [1, "arn:of:it"]}, True),
        (UNKNOWN, {"any": "thing"}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1], [1, 2], False),
        ({"a": [UNKNOWN, {"b": "c"}]}, {"a": ["d", {"b": "e"}]}, False),
    ],
)
def test_only_what_is_unknown_may_become_anything(
    previewed: Any, made: Any, agreeing: bool
) -> None:
    assert agree(previewed, made) is agreeing
