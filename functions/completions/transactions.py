"""Writing much at once: many units, each of them whole or not at all, as full as calls can be."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from functions.clients.dynamodb import MOST_ACTIONS, Action, Table
from functions.lookahead import in_order

AT_ONCE = 5_000
"""So many actions are in memory at once, in calls that are made side by side."""


def write_each(table: Table, actions: Iterable[Action]) -> int:
    """Make each action whose condition holds; how many that were. No two may be on one item."""
    written, waiting = 0, iter(actions)
    while some := list(islice(waiting, AT_ONCE)):
        written += len(some) - len(write_units(table, [[action] for action in some]))
    return written


def write_units(table: Table, units: Sequence[Sequence[Action]]) -> dict[int, list[Action]]:
    """Write units of at most 100 actions each; no two actions may be on the same item.

    The positions of the units that were not written, each with those of its actions whose
    condition did not hold.
    """
    refused: dict[int, list[Action]] = {}
    for some in in_order(lambda call: _write(table, units, call), _calls(units)):
        refused |= some
    return refused


def _calls(units: Sequence[Sequence[Action]]) -> Iterator[list[int]]:
    """The positions of the units that go into one call, as many as fit."""
    call: list[int] = []
    size = 0
    for position, unit in enumerate(units):
        if call and size + len(unit) > MOST_ACTIONS:
            yield call
            call, size = [], 0
        call.append(position)
        size += len(unit)
    if call:
        yield call


def _write(
    table: Table, units: Sequence[Sequence[Action]], call: Sequence[int]
) -> dict[int, list[Action]]:
    """Write in one call what can be written of these units."""
    refused: dict[int, list[Action]] = {}
    while call:
        actions = [(unit, action) for unit in call for action in units[unit]]
        failed = table.write_all([action for _, action in actions])
        if not failed:
            break
        for place in sorted(failed):
            unit, action = actions[place]
            refused.setdefault(unit, []).append(action)
        call = [unit for unit in call if unit not in refused]
    return refused
