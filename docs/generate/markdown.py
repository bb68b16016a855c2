"""Tables and marks of Markdown."""

from collections.abc import Iterable, Sequence


def code(text: str) -> str:
    """Text as code."""
    return f"`{text}`"


def codes(texts: Iterable[str]) -> str:
    """Texts as code, one after another."""
    return ", ".join(map(code, texts))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell would end the cell."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(_line(cells) for cells in lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
