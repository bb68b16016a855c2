"""What a person sees, or a script reads."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_LOG_WIDTH = 120


def visible(text: str) -> str:
    """Text from outside, fit for a terminal: what would steer it is shown as its escape."""
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
        for each in text
    )


class Screen:
    """Tables and sentences on a terminal; with ``as_json`` one JSON document and nothing else."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(
            width=None if sys.stdout.isatty() else _LOG_WIDTH, highlight=False, quiet=as_json
        )

    def say(self, sentence: str, style: str = "") -> None:
        """A line for a person; text from outside is shown as it is, and not as markup."""
        self.console.print(Text(visible(sentence), style=style), soft_wrap=True)

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Text]]
    ) -> None:
        """A table for a person; nothing where it has no rows. Only words of our own have styles."""
        if not rows:
            return
        table = Table(
            title=Text(title, style="bold"), title_justify="left", show_header=any(columns)
        )
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(
                *(cell if isinstance(cell, Text) else Text(visible(cell)) for cell in row)
            )
        self.console.print(table)

    def ask(self, question: str) -> str | None:
        """What a person answers, without spaces around it; None if there is nobody to be asked."""
        if self.as_json or not sys.stdin.isatty():
            return None
        try:
            return input(f"{question} ").strip()
        except EOFError:
            return ""

    def document(self, value: Any) -> None:
        """The command's whole result, for a script."""
        if self.as_json:
            print(json.dumps(value, indent=2, ensure_ascii=False))
