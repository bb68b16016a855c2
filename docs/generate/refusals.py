"""Combinations that are refused, each with the words of the refusal itself."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from docs.generate import markdown
from docs.generate.program import ROOT, Program
from infra.combinations import impossible_combinations
from infra.problems import Problem
from infra.settings import Settings

_DECLARED = ROOT / "Pulumi.yaml"
# One for each refusal in infra/combinations.py; a test misses the one that is not here.
EXAMPLES: tuple[Mapping[str, Any], ...] = (
    {"ingestBatchSize": 11, "ingestBatchWindowSeconds": 0},
    {"ingestTimeoutSeconds": 316},
    {"queueMaxReceives": 4},
    {"queueRetryDelaySeconds": 0},
    {"vectorStorePollBackoffRate": 2, "vectorStorePollMaxDelaySeconds": 9},
    {"vectorStorePollMaxAttempts": 8000, "vectorStoreFlowTimeoutSeconds": 1_000_000},
    {"vectorStorePollIntervalSeconds": 400},
    {"downloadAllowLoopback": True},
    {"downloadMaxBytes": 30_000_000},
    {"downloadTimeoutSeconds": 151},
    {"completionPollMaxBatches": 268},
    {"completionModel": "gpt-4o", "completionMaxCostUsd": "10"},
    {"pineconeApiKey": "…"},
)


def refusals(_program: Program) -> str:
    """A table of examples and of what is said to them."""
    return markdown.table(
        ["with", "the preview says", "and what would mend it"],
        [
            (_given(example), f"{p.key} {p.found}. Allowed: {p.allowed}.", markdown.code(p.line))
            for example in EXAMPLES
            for p in problems(example)
        ],
    )


def problems(example: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with an example."""
    yield from impossible_combinations(settings(example))


def settings(example: Mapping[str, Any]) -> Settings:
    """The defaults with an example on top, and no secret, in a stack that is not the local one."""
    declared = yaml.safe_load(_DECLARED.read_text())["config"]
    defaults = {key: spec["default"] for key, spec in declared.items()}
    unset = dict.fromkeys(field.alias for field in Settings.model_fields.values())
    return Settings.model_validate({**unset, **defaults, "stack": "dev", **example})


def _given(example: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key}` {markdown.code(_text(value))}" for key, value in example.items())


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
