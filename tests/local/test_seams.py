"""moto still has what the embedded AWS replaces."""

import types

import pytest

from local import calls_made, events, executions, lambdas, map_runs, queues, tables
from local.seams import Seam, SeamError

SEAMS = [
    calls_made.REQUEST,
    lambdas.INVOKE,
    queues.RECEIVE,
    queues.DELETE,
    queues.NOW,
    queues.RETAINED,
    tables.CALL,
    tables.ITEMS,
    tables.PARSE,
    tables.QUERY,
    tables.SERIALIZE,
    tables.TRANSACTION,
    executions.PARSE,
    executions.START,
    events.STOP,
    events.TERMINATED,
    map_runs.MAP_RUN,
]


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: seam.name)
def test_moto_has_the_function_with_the_parameters_we_know(seam: Seam) -> None:
    assert callable(seam.original())


def test_a_seam_is_whole_again_afterwards() -> None:
    owner = types.SimpleNamespace(double=lambda number: 2 * number, __name__="owner")
    seam = Seam(owner, "double", ("number",))

    with seam.replaced(lambda original: lambda number: original(number) + 1):
        assert owner.double(2) == 5

    assert owner.double(2) == 4


@pytest.mark.parametrize(
    "found", [lambda number, more: number + more, None, 3], ids=["another", "gone", "a value"]
)
def test_another_version_of_moto_is_named_as_the_cause(found: object) -> None:
    owner = types.SimpleNamespace(double=found, __name__="owner")

    with pytest.raises(SeamError, match=r"owner\.double of moto .* local/seams\.py"):
        Seam(owner, "double", ("number",)).original()
