"""What a resource offers: its operations and where they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from openai import BaseModel

from local.standins.openai.requests import ApiRequest

Reply = BaseModel | bytes
Handler = Callable[[ApiRequest], Reply]


@dataclass(frozen=True)
class Route:
    """An operation under its SDK name, with the method and the path below ``/v1``."""

    operation: str
    method: str
    path: str
    handler: Handler


class Resource(Protocol):
    """A part of the API."""

    def routes(self) -> Sequence[Route]:
        """Its operations."""
