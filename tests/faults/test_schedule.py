"""The fault schedule in its short form: a few calls of each scenario. ``make faults`` plays all."""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

import functions.clients
from tests.faults.scenarios import SCENARIOS
from tests.faults.schedule import Scenario, one_fault_each, outcomes, points
from tests.faults.seam import Point
from tests.faults.world import NewWorld, worlds

pytestmark = [pytest.mark.faults]

RELIABILITY = Path(__file__).parents[2] / "docs" / "reliability.md"
CLIENTS = Path(next(iter(functions.clients.__path__)))


Play = Callable[[Scenario], NewWorld]


def _configuration(scenario: Scenario) -> list[tuple[str, str]]:
    return sorted(scenario.config.items())


# Those of one configuration one after another.
_IN_ORDER = sorted(SCENARIOS, key=_configuration)
# Of each scenario; each next one takes others of its calls, and other faults.
_CASES = 5


@pytest.fixture(scope="module")
def new_world_of() -> Iterator[Play]:
    """A stack of a scenario's configuration; one that is as the last one's is not made again."""
    with ExitStack() as up:
        last: list[tuple[Mapping[str, str], NewWorld]] = []

        def make(scenario: Scenario) -> NewWorld:
            if not last or last[0][0] != scenario.config:
                up.close()
                last[:] = [(scenario.config, up.enter_context(worlds(scenario.config)))]
            return last[0][1]

        yield make


@pytest.fixture(scope="module", params=_IN_ORDER, ids=[each.name for each in _IN_ORDER])
def played(
    request: pytest.FixtureRequest, new_world_of: Play
) -> tuple[Scenario, NewWorld, list[Point]]:
    """A scenario, and the calls that it makes when nothing goes wrong."""
    scenario: Scenario = request.param
    new_world = new_world_of(scenario)
    return scenario, new_world, points(scenario, new_world)


def test_the_flows_survive_a_fault_at_some_calls(
    played: tuple[Scenario, NewWorld, list[Point]],
) -> None:
    scenario, new_world, found = played
    number = SCENARIOS.index(scenario)
    chosen = one_fault_each(found)
    few = chosen[number % 3 :: max(1, len(chosen) // _CASES)]

    lost = [each for each in outcomes(scenario, new_world, few) if each.problem]

    assert not lost, "\n".join(f"{each.case}\n    {each.problem}" for each in lost)


def test_each_of_its_calls_is_in_the_table(
    played: tuple[Scenario, NewWorld, list[Point]],
) -> None:
    """A new call is in the schedule by itself, but the table tells of the last ``make faults``."""
    _, _, found = played
    table = RELIABILITY.read_text()

    missing = {_row(point) for point in found if _row(point) not in table}

    assert not missing, "run make faults"


def test_every_call_of_the_clients_is_in_the_table() -> None:
    """One that is not is made by no scenario yet."""
    table = RELIABILITY.read_text()

    assert {name for name in _names_of_calls() if f"{name}` |" not in table} == set()


def _row(point: Point) -> str:
    return f"| `{point.function}` | `{point.call}` |"


def _names_of_calls() -> set[str]:
    """What the clients name their calls, in whole or by the last part."""
    return {
        str(node.args[0].value)
        for path in CLIENTS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("call", "_call", "_write")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
