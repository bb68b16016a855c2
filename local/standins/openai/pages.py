"""Lists as the API pages them."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeVar

from openai import BaseModel
from pydantic import SerializeAsAny

from local.standins.openai import checks
from local.standins.openai.errors import invalid


class Page(BaseModel):
    """The envelope of every list; the SDK's cursor pages read it."""

    object: Literal["list"]
    data: list[SerializeAsAny[BaseModel]]
    first_id: str | None
    last_id: str | None
    has_more: bool


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


ItemT = TypeVar("ItemT", bound=_Identified)


def cut(
    items: Sequence[ItemT], query: Mapping[str, str], *, default: int = 20, ceiling: int = 100
) -> tuple[list[ItemT], bool]:
    """The items that ``limit``, ``order``, ``after`` and ``before`` ask for, and whether more wait.

    ``items`` are in the order of their creation; a list answers newest first unless told. A cursor
    that is not in the list is refused: a caller that deletes while it pages must see that.
    """
    limit = checks.integer(query.get("limit", default), "limit", 1, ceiling)
    order = checks.one_of(query.get("order", "desc"), ("asc", "desc"), "order")
    ordered = list(items) if order == "asc" else list(reversed(items))
    positions = {item.id: position for position, item in enumerate(ordered)}
    start = _cursor(positions, query, "after", -1) + 1
    end = _cursor(positions, query, "before", len(ordered))
    if "before" in query and "after" not in query:
        start = max(0, end - limit)
        return ordered[start:end], start > 0
    return ordered[start : min(end, start + limit)], end - start > limit


def page(data: Sequence[BaseModel], ids: Sequence[str], *, has_more: bool) -> Page:
    """The envelope around ``data``, whose items have ``ids``."""
    return Page(
        object="list",
        data=list(data),
        first_id=ids[0] if ids else None,
        last_id=ids[-1] if ids else None,
        has_more=has_more,
    )


def _cursor(positions: Mapping[str, int], query: Mapping[str, str], name: str, absent: int) -> int:
    if name not in query:
        return absent
    if query[name] not in positions:
        raise invalid(f"Invalid '{name}': no object '{query[name]}' in this list.", name)
    return positions[query[name]]
