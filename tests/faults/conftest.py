"""A deployed program whose calls can be made to go wrong."""

from collections.abc import Iterator

import pytest

from tests.faults.world import NewWorld, World, worlds


@pytest.fixture(scope="module")
def new_world() -> Iterator[NewWorld]:
    """Makes worlds, each empty, of a stack that is deployed once a module."""
    with worlds() as make:
        yield make


@pytest.fixture
def world(new_world: NewWorld) -> World:
    """An empty world."""
    return new_world()
