"""The report for a person: is all well, what is not, what to type next, and then the rest."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.text import Text

from ops.letters.queues import QueueCounts
from ops.screen import Screen, visible
from ops.status.documents import DocumentsPart
from ops.status.labels import LabelsPart
from ops.status.ledger import LedgerPart
from ops.status.report import Report
from ops.words import age

_SHOWN = 5
_STYLES = {"SUCCEEDED": "green", "RUNNING": "cyan"}


def show(screen: Screen, report: Report) -> None:
    """All of it; letters by cause are shown apart."""
    if report.well:
        screen.say("All is well: nothing is stuck, and nothing failed.", "bold green")
    else:
        screen.say(f"Not well: {len(report.problems)} to look at.", "bold red")
    for line, alike in groupby(report.problems, key=lambda problem: problem.next):
        for problem in alike:
            screen.say(f"  {problem.flow}: {problem.what}")
        # As it is, to be copied.
        screen.say(f"      {line}", "cyan")
    if report.problems:
        screen.say("")
    _show_documents(screen, report.documents)
    _show_labels(screen, report.labels)


def _show_documents(screen: Screen, documents: DocumentsPart) -> None:
    polled = f"{len(documents.polled)}{'+' if documents.more_polled else ''}"
    screen.table(
        "Documents",
        ["", ""],
        [
            ["DownloadQueue", _counts(documents.download_queue)],
            ["not handed over yet", _under_way(documents.ledger)],
            ["file batches polled", polled],
            ["MarketAnalysisQueue", _counts(documents.market_analysis_queue)],
            *[["not indexed", each] for each in _first(documents.ledger.failed_files)],
        ],
    )
    screen.table(
        "File batches that are polled",
        ["execution", "vector store", "domain", "age", ""],
        [
            [
                batch.execution,
                batch.vector_store,
                batch.domain,
                age(batch.age_seconds),
                Text("overdue", "bold red") if batch.overdue else "",
            ]
            for batch in documents.polled
        ],
    )


def _show_labels(screen: Screen, labels: LabelsPart) -> None:
    batches = ", ".join(
        f"{count} {status.lower()}" for status, count in labels.batches.items() if count.number
    )
    screen.table(
        "Labels",
        ["", ""],
        [
            ["wait to be asked about", str(labels.waiting)],
            ["need a person's review", str(labels.needs_review)],
            ["not in Pinecone as they are", str(labels.unprojected)],
            ["their word has no vector", str(labels.vectors_missing)],
            ["batches", batches or "none"],
        ],
    )
    screen.table(
        "Batches under way",
        ["batch", "job", "status", "labels", "age", ""],
        [
            [
                batch.batch_id,
                batch.openai_batch_id,
                " ".join(filter(None, (batch.status.lower(), batch.openai_status))),
                str(batch.labels),
                age(batch.age_seconds),
                Text("stuck", "bold red") if batch.stuck else "",
            ]
            for batch in labels.open_batches
        ],
    )
    screen.table(
        "Last runs of CompletionPollFlow",
        ["execution", "status", "started", "reason"],
        [
            [
                run.execution,
                Text(run.status, _STYLES.get(run.status, "red")),
                f"{age(run.age_seconds)} ago",
                run.reason,
            ]
            for run in labels.runs
        ],
    )


def _counts(counts: QueueCounts) -> str:
    text = f"{counts.waiting} waiting, {counts.in_flight} in flight"
    return f"{text}, {counts.delayed} delayed" if counts.delayed else text


def _under_way(ledger: LedgerPart) -> Text:
    in_hand = sum(request.in_hand for request in ledger.under_way)
    text = Text(f"{len(ledger.under_way)}, {in_hand} in a worker's hands")
    if not ledger.whole:
        text.append(f" (of the first {ledger.looked_at} items of the ledger)", style="dim")
    failing = [request for request in ledger.under_way if request.failure]
    for line in _first(f"{request.url}: {request.failure}" for request in failing):
        text.append(f"\n{visible(line)}", style="dim")
    return text


def _first(lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    yield from found[:_SHOWN]
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN} more"
