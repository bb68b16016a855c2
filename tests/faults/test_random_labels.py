"""Labels, with faults, duplicates and other workers drawn at random."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.random_labels import RandomLabels
from tests.faults.world import NewWorld

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

EXAMPLES = int(os.environ.get("FAULTS_EXAMPLES", "10"))


@pytest.fixture(autouse=True)
def worlds_of_this_stack(new_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RandomLabels, "new_world", staticmethod(new_world), raising=False)


def test_labels_survive_whatever_happens() -> None:
    run_state_machine_as_test(
        RandomLabels,
        settings=settings(
            max_examples=EXAMPLES,
            derandomize="FAULTS_EXAMPLES" not in os.environ,
            stateful_step_count=15,
            suppress_health_check=list(HealthCheck),
        ),
    )
