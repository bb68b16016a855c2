"""Counting what there may be too much of."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from ops.parts import Part


class Count(Part):
    """How many there are; ``at_least`` so many, if counting ended at the limit."""

    number: int
    at_least: bool

    def __str__(self) -> str:
        return f"{self.number}+" if self.at_least else str(self.number)


def count_up_to(most: int, items: Iterable[Any]) -> Count:
    """Count items, of which there may be more."""
    number = sum(1 for _ in islice(items, most + 1))
    return Count(number=min(number, most), at_least=number > most)
