"""What is simulated: which settings under which loads, on all cores."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from benchmarks.scale import documents, labels
from benchmarks.scale.documents import Documents
from benchmarks.scale.labels import Labels
from docs.generate.program import ROOT
from docs.generate.refusals import settings
from functions.observability import logger
from infra.settings import Settings

_MILLION = 1_000_000
_OF_DOCUMENTS = ("analysis", "ingest", "queue", "vectorStore")
LOADS = (10_000, 100_000, _MILLION, 2 * _MILLION, 5 * _MILLION, 10 * _MILLION, 20 * _MILLION)
"""Documents a day."""
BATCHES = (1, 10, 100, 1_000)
"""Batches of labels that end at once."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Keys that are not as by default, and how many times OpenAI's limits there are."""

    name: str
    keys: Mapping[str, Any]
    openai: int = 1

    @property
    def settings(self) -> Settings:
        """The settings, checked."""
        return settings(self.keys)


@cache
def _of_stack(stack: str) -> Mapping[str, Any]:
    """A stack's own keys of the document flow."""
    found = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    keys = {key.rpartition(":")[2]: value for key, value in found.items()}
    return {key: keys[key] for key in keys if key.startswith(_OF_DOCUMENTS)}


DEFAULTS = Scenario(name="defaults", keys={})
UNBRAKED = Scenario(name="without a brake", keys={**_of_stack("prod"), "ingestMaxConcurrency": 50})
PROD = Scenario(name="stack prod", keys=_of_stack("prod"))
RAISED = Scenario(
    name="OpenAI's limits ×10, keys raised",
    keys={
        "ingestBatchSize": 100,
        "ingestMaxConcurrency": 14,
        "ingestMemoryMegabytes": 3_072,
        "analysisMaxConcurrency": 150,
    },
    openai=10,
)
OF_DOCUMENTS: Sequence[Scenario] = (DEFAULTS, UNBRAKED, PROD, RAISED)

FULL = Scenario(name="full batches, defaults", keys={})
SMALL = Scenario(name="small batches, defaults", keys={"completionBatchMaxRequests": 100})
SPACED = Scenario(
    name="full batches, keys changed",
    keys={
        "completionPollMinutes": 60,
        "completionPollMaxBatches": 35,
        "completionPollConcurrency": 4,
        "completionApplyConcurrency": 4,
        "pineconeUpdatesPerSecond": 800,
    },
)
OF_LABELS: Sequence[Scenario] = (FULL, SMALL, SPACED)


def run() -> tuple[Sequence[Sequence[Documents]], Sequence[Sequence[Labels]]]:
    """Every scenario under every load, in the order of the scenarios."""
    with ProcessPoolExecutor(initializer=_silence) as pool:
        # The longest first, so that no core waits for one at the end.
        of_labels = [
            [pool.submit(_labels, scenario, batches) for batches in reversed(BATCHES)]
            for scenario in OF_LABELS
        ]
        of_documents = [
            [pool.submit(_documents, scenario, load) for load in LOADS] for scenario in OF_DOCUMENTS
        ]
        return (
            [[point.result() for point in points] for points in of_documents],
            [[point.result() for point in reversed(points)] for points in of_labels],
        )


def _silence() -> None:
    """What the functions log of a simulated day nobody reads."""
    logger().setLevel(logging.CRITICAL)


def _documents(scenario: Scenario, load: int) -> Documents:
    return documents.simulate(load, scenario.settings, openai=scenario.openai)


def _labels(scenario: Scenario, batches: int) -> Labels:
    return labels.simulate(batches, scenario.settings)
