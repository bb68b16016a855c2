"""Two at once: whatever one worker is about to do, another has just done all of its own."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from functions.completions.vocabulary import ValidationStatus
from tests.faults.label_invariants import AT_REST, keeps, look, require
from tests.faults.label_production import Meanwhile, Production
from tests.faults.label_world import decide
from tests.faults.labels import ADOPTED, ANSWERED, EXPIRED, RELEASED, LabelScenario
from tests.faults.schedule import points
from tests.faults.seam import Point
from tests.faults.world import NewWorld, World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

# All of the calls where there is time for that.
EVERY = 1 if "FAULTS_EXAMPLES" in os.environ else 13
DECIDED = ValidationStatus.INVALID
Work = Callable[[Production], None]
BOTH: Sequence[tuple[LabelScenario, Work]] = (
    (ANSWERED, Production.submit),
    (ANSWERED, Production.reconcile),
    (EXPIRED, Production.poll),
    (EXPIRED, Production.submit),
    (ADOPTED, Production.reconcile),
    (RELEASED, Production.reconcile),
    (RELEASED, Production.submit),
)


@pytest.mark.parametrize(
    ("scenario", "other"), BOTH, ids=lambda each: getattr(each, "name", None) or each.__name__
)
def test_another_worker_changes_nothing(
    scenario: LabelScenario, other: Work, new_world: NewWorld
) -> None:
    for moment in points(scenario, new_world)[::EVERY]:
        world = new_world()
        disturbed = replace(scenario, meanwhile=_at(moment, lambda world: other(Production(world))))

        disturbed.prepare(world)
        disturbed.run(world)

        disturbed.check(world)


def test_a_person_who_decides_just_before_a_transaction_has_the_last_word(
    new_world: NewWorld,
) -> None:
    label = ANSWERED.labels[0].model_copy(update={"validation_status": DECIDED})
    for moment in points(ANSWERED, new_world):
        if moment.call != "dynamodb.transact_write_items":
            continue
        world = new_world()
        disturbed = replace(ANSWERED, meanwhile=_at(moment, lambda world: decide(world, label)))

        disturbed.prepare(world)
        disturbed.run(world)

        require(look(world), [*AT_REST, keeps({label.id.text: label.to_item()})])


def _at(moment: Point, happens: Callable[[World], None]) -> Meanwhile:
    def meanwhile(world: World, point: Point) -> None:
        if point == moment:
            happens(world)

    return meanwhile
