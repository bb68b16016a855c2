"""What a person sees while the demo runs: a live view on a terminal, else a line a change."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local.demo.outcomes import DocumentState
from local.demo.scenario import Outcome
from local.demo.snapshot import QueueName, Snapshot

OUTCOME_STYLES = {
    Outcome.INGESTED: "green",
    Outcome.FALLBACK: "yellow",
    Outcome.FILE_FAILED: "red",
    Outcome.DEAD_LETTER: "red",
}
# Lines of the live view that no document takes: the heading, the stages, and some air.
_OTHER_LINES = 12


@dataclass(frozen=True, kw_only=True)
class View:
    """What there is to show; ``seconds`` since the messages were sent."""

    seconds: float
    base_url: str
    states: Sequence[DocumentState]
    snapshot: Snapshot


@contextmanager
def progress(console: Console) -> Iterator[Callable[[View], None]]:
    """A function that shows a view, in the place of the one before where that can be done."""
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield lambda view: live.update(_live(view, console.height), refresh=True)
    else:
        yield _Lines(console).show


class _Lines:
    """A line for each change, for a log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def show(self, view: View) -> None:
        line = " | ".join(f"{name}: {text}" for name, text in stages(view) if text)
        if line != self._last:
            self._console.print(Text(f"{view.seconds:5.1f} s  {line}"), soft_wrap=True)
            self._last = line


def stages(view: View) -> list[tuple[str, str]]:
    """Where everything is, from the queue to the analysis; empty text where nothing is."""
    snapshot = view.snapshot
    fallbacks = sum(request.is_fallback for request in snapshot.requests.values())
    uploaded = sum(bool(request.file_id) for request in snapshot.requests.values()) - fallbacks
    files = Counter(file.status for file in snapshot.files)
    executions = Counter(execution.status for execution in snapshot.executions)
    letters = Counter(letter.queue for letter in snapshot.letters)
    checks = sum(execution.checks for execution in snapshot.executions)
    return [
        ("DownloadQueue", _queue(snapshot, QueueName.DOWNLOAD)),
        (
            "files uploaded",
            _counts({"downloaded": uploaded, "Markdown fallbacks": fallbacks}),
        ),
        (
            "file batches",
            _counts(
                {
                    "files in progress": files["in_progress"],
                    "completed": files["completed"],
                    "failed": files["failed"],
                }
            ),
        ),
        (
            "executions",
            _counts(
                {
                    "running": executions["RUNNING"],
                    "succeeded": executions["SUCCEEDED"],
                    "failed": executions["FAILED"],
                    "checks in all": checks,
                }
            ),
        ),
        ("MarketAnalysisQueue", _queue(snapshot, QueueName.MARKET_ANALYSIS)),
        ("market analyses", _counts({"stored": len(snapshot.analyses)})),
        (
            "dead letters",
            _counts(
                {
                    "from the DownloadQueue": letters[QueueName.DOWNLOAD_DEAD_LETTERS],
                    "from executions": letters[QueueName.FLOW_DEAD_LETTERS],
                    "from the MarketAnalysisQueue": letters[QueueName.MARKET_ANALYSIS_DEAD_LETTERS],
                }
            ),
        ),
    ]


def _queue(snapshot: Snapshot, name: QueueName) -> str:
    counts = snapshot.queue(name)
    return _counts({"waiting": counts.waiting, "in flight": counts.in_flight})


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _live(view: View, height: int) -> Group:
    now = Table.grid(padding=(0, 2))
    for name, text in stages(view):
        now.add_row(Text(f"  {name}", style="cyan"), Text(text or "-"))
    ended = sum(state.outcome is not None for state in view.states)
    heading = f"{ended} of {len(view.states)} documents accounted for after {view.seconds:.0f} s"
    return Group(Text(heading, style="bold"), Text(), now, Text(), _documents(view, height))


def _documents(view: View, height: int) -> Table:
    """Each document and how far it is; on a small screen, those under way before the others."""
    room = max(3, height - _OTHER_LINES)
    shown = list(view.states)
    if len(shown) > room:
        ranked = sorted(shown, key=lambda state: state.outcome is not None)
        chosen = {id(state) for state in ranked[: room - 1]}
        shown = [state for state in shown if id(state) in chosen]
    table = Table.grid(padding=(0, 2))
    for state in shown:
        style = OUTCOME_STYLES[state.outcome] if state.outcome else "dim"
        table.add_row(
            Text(f"  {state.outcome or state.stage}", style=style, no_wrap=True),
            Text(state.planned.url.removeprefix(view.base_url), no_wrap=True),
            Text(f"for {state.planned.customer}", style="dim", no_wrap=True),
        )
    if len(shown) < len(view.states):
        table.add_row(Text(f"  and {len(view.states) - len(shown)} more", style="dim"))
    return table
