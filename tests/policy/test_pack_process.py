"""The pack as Pulumi starts it: a process that says its port and is asked over gRPC."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from rules import RULES
from rules.reading.types import FUNCTION, QUEUE
from tests.infra.conftest import ROOT
from tests.plugin_process import plugin_process
from tests.policy.seen import Seen, seen

PACK = ROOT / "policy"


@contextmanager
def pack(environment: Mapping[str, str]) -> Iterator[Any]:
    """A client of the pack, which is interrupted afterwards.

    The command is that of pulumi-analyzer-policy-python, run in the pack's folder.
    """
    with plugin_process(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."],
        cwd=PACK,
        environment={"PATH": os.environ["PATH"], **environment},
    ) as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)


def of_stack(stack: str, **config: str) -> dict[str, str]:
    """What the engine tells a pack by its environment."""
    return {
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_PROJECT": "openai-batch-flows",
        "PULUMI_STACK": stack,
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps({f"openai-batch-flows:{k}": v for k, v in config.items()}),
    }


@pytest.mark.parametrize(("stack", "level"), [("prod", "MANDATORY"), ("dev", "ADVISORY")])
def test_pulumi_can_start_the_pack_and_ask_it(stack: str, level: str) -> None:
    queue = seen(QUEUE, "work", {"sqsManagedSseEnabled": False})
    with pack(of_stack(stack)) as analyzer:
        info = analyzer.GetAnalyzerInfo(empty_pb2.Empty())
        alone = analyzer.Analyze(queue.alone())
        whole = analyzer.AnalyzeStack(
            analyzer_pb2.AnalyzeStackRequest(resources=[queue.among_others()])
        )
    assert info.name == "openai-batch-flows"
    assert [policy.name for policy in info.policies] == [rule.name for rule in RULES]
    levels = {policy.name: _name(policy.enforcementLevel) for policy in info.policies}
    everywhere = {"function-secrets", "wildcard-grants"}
    assert {levels.pop(name) for name in everywhere} == {"MANDATORY"}
    assert set(levels.values()) == {level}
    found = [(each.policyName, _name(each.enforcementLevel)) for each in alone.diagnostics]
    assert ("queue-encryption", level) in found
    assert [(each.policyName, each.urn) for each in whole.diagnostics] == [
        ("queue-dead-letters", queue.urn)
    ]


def test_a_secret_of_the_configuration_is_found_in_any_variable() -> None:
    # Nothing about its form says that it is one.
    config = {"pineconeApiKey": "0f5a2c", "fallbackModel": "gpt-5.4-mini"}
    hidden = _function(GREETING="hello 0f5a2c")
    open_to_all = _function(MODEL="gpt-5.4-mini")
    with pack(of_stack("dev", **config)) as analyzer:
        wrong = [
            [each.policyName for each in analyzer.Analyze(function.alone()).diagnostics]
            for function in (hidden, open_to_all)
        ]
    assert [names.count("function-secrets") for names in wrong] == [1, 0]


def test_the_pack_needs_nothing_but_its_own_folder(tmp_path: Path) -> None:
    """As it is when it was published."""
    code = "import sys; sys.path = [p for p in sys.path if p]; import rules; print(rules.__file__)"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACK)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(printed.strip()) == PACK / "rules" / "__init__.py"


def _function(**variables: str) -> Seen:
    return seen(FUNCTION, "worker", {"environment": {"variables": variables}})


def _name(level: Any) -> str:
    return str(analyzer_pb2.EnforcementLevel.Name(level))
