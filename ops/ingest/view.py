"""What a person sees of documents on their way: a live view on a terminal, else a line a change."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ops.ingest.documents import Document
from ops.ingest.stages import Progress, Stage, first_to_be_seen
from ops.screen import visible

STYLES = {
    Stage.ANALYSED: "green",
    Stage.ALREADY_INGESTED: "green",
    Stage.FILE_FAILED: "red",
    Stage.DEAD_LETTER: "red",
    Stage.NOT_SENT: "red",
}
# Lines of the live view that no document takes: the counts, the table's frame, and some air.
_OTHER_LINES = 8

Show = Callable[[Mapping[str, Progress]], None]
"""Shows how far documents have come, by their keys in the ledger."""


@contextmanager
def progress_shown(console: Console, documents: Sequence[Document]) -> Iterator[Show]:
    """What shows progress, in the place of what was shown before where that can be done."""
    started = time.monotonic()
    if console.is_terminal and not console.quiet:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield lambda found: live.update(
                Group(
                    _heading(found, time.monotonic() - started),
                    _table(documents, found, max(1, console.height - _OTHER_LINES)),
                ),
                refresh=True,
            )
    else:
        last = ""

        def show(found: Mapping[str, Progress]) -> None:
            nonlocal last
            if (line := counted(found)) != last:
                console.print(Text(f"{time.monotonic() - started:5.1f} s  {line}"), soft_wrap=True)
                last = line

        yield show


def counted(found: Mapping[str, Progress]) -> str:
    """How many documents are in which stage."""
    counts = Counter(each.stage for each in found.values())
    return ", ".join(f"{counts[stage]} {stage}" for stage in Stage if counts[stage])


def _heading(found: Mapping[str, Progress], seconds: float) -> Text:
    return Text(f"{seconds:.0f} s  {counted(found)}", style="bold")


def _table(documents: Sequence[Document], found: Mapping[str, Progress], most: int) -> Table:
    """So many of the documents, a line each, those first that ended badly."""
    table = Table()
    table.add_column("document", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("stage", no_wrap=True)
    table.add_column("reason", no_wrap=True, overflow="ellipsis", ratio=4)
    ordered = sorted(documents, key=lambda each: first_to_be_seen(found[each.key].stage))
    for document in ordered[:most]:
        each = found[document.key]
        table.add_row(
            Text(visible(document.request.url)),
            Text(each.stage, style=STYLES.get(each.stage, "")),
            Text(visible(each.reason.replace("\n", " "))),
        )
    return table
