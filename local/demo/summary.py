"""What a person reads of the documents: each by its file batch, and the sum."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.demo.outcomes import DocumentState
from local.demo.progress import OUTCOME_STYLES, View
from local.demo.scenario import Outcome
from local.demo.snapshot import Execution

_SHORT_ID = len("vsfb_") + 6
_ENDED = {
    Outcome.INGESTED: "ingested",
    Outcome.FALLBACK: "as Markdown fallback",
    Outcome.FILE_FAILED: "failed in its file batch",
    Outcome.DEAD_LETTER: "in dead letters",
}


def print_summary(console: Console, view: View) -> None:
    """What became of the documents, for at least 80 columns."""
    console.print(Text("Each document, by its file batch and that batch's execution", style="bold"))
    console.print(Text(f"(all at {view.base_url})"))
    for batch_id in dict.fromkeys(state.batch_id for state in view.states):
        members = [state for state in view.states if state.batch_id == batch_id]
        console.print()
        console.print(_heading(batch_id, view))
        console.print(_table(members, _analysis(batch_id, view), view.base_url))
    console.print()
    for line in _sum(view):
        console.print(Text(line))


def print_verdict(console: Console, problems: Sequence[str]) -> None:
    """Whether all is as it should be."""
    if problems:
        console.print(Text(f"Not as it should be ({len(problems)}):", style="bold red"))
        for problem in problems:
            console.print(Text(f"  {problem}"))
    else:
        console.print(Text("Everything that was sent is accounted for.", style="bold green"))


def _heading(batch_id: str, view: View) -> Text:
    if not batch_id:
        return Text("in no file batch", style="cyan")
    text = Text(batch_id[:_SHORT_ID], style="cyan")
    execution = _execution(batch_id, view)
    if execution:
        context = execution.input["context"]
        text.append(f"  {context['domain']} for {context['customerDomain']}", style="default")
        style = "green" if execution.status == "SUCCEEDED" else "red"
        text.append(f"  {execution.status}", style=style)
        text.append(f", {execution.checks} checks", style="default")
    return text


def _table(members: Sequence[DocumentState], analysis: str, base_url: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for state in members:
        table.add_row(_outcome(state), _document(state, base_url))
    if analysis:
        table.add_row(Text("  analysis", style="magenta"), Text(analysis))
    return table


def _outcome(state: DocumentState) -> Text:
    if state.outcome is None:
        return Text("  unfinished", style="bold red")
    return Text(f"  {state.outcome}", style=OUTCOME_STYLES[state.outcome])


def _document(state: DocumentState, base_url: str) -> Text:
    text = Text(state.planned.url.removeprefix(base_url))
    why = state.reason or (state.stage if state.outcome is None else "")
    if state.planned.copies > 1:
        why = f"sent {state.planned.copies} times, {state.files} file in its store  {why}".rstrip()
    return text.append(f"  {why}", style="dim") if why else text


def _analysis(batch_id: str, view: View) -> str:
    for item in view.snapshot.analyses:
        if item["batchId"] == batch_id:
            analysis, files = item["analysis"], len(item["sources"])
            trend = f", a trend: {analysis['trends'][0]}" if analysis["trends"] else ""
            return f"{len(analysis['signals'])} signals from {files} files{trend}"
    return ""


def _execution(batch_id: str, view: View) -> Execution | None:
    found = [e for e in view.snapshot.executions if e.batch_id == batch_id]
    return found[-1] if found else None


def _sum(view: View) -> Iterator[str]:
    outcomes = Counter(state.outcome for state in view.states)
    counts = ", ".join(f"{outcomes[each]} {what}" for each, what in _ENDED.items())
    sent = sum(state.planned.copies for state in view.states)
    yield f"{sent} messages for {len(view.states)} documents: {counts}."
    executions = Counter(execution.status for execution in view.snapshot.executions)
    yield (
        f"{executions.total()} file batches with an execution each: {executions['SUCCEEDED']} "
        f"succeeded and led to {len(view.snapshot.analyses)} analyses, {executions['FAILED']} "
        f"failed and left dead letters. {view.seconds:.0f} s from the first message."
    )
