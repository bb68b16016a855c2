"""What became of the documents, as tables for a person and as one document for a script."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from ops.ingest.documents import Document, Duplicate, Gathered
from ops.ingest.records import Problem
from ops.ingest.sending import Sent
from ops.ingest.stages import Entry, Progress, Stage, first_to_be_seen
from ops.ingest.view import STYLES, counted
from ops.screen import Screen

_MOST_ROWS = 100


def report_problems(screen: Screen, gathered: Gathered) -> None:
    """What is wrong with the records, for which none of them was sent."""
    problems = gathered.problems
    screen.table(
        "Not as they should be",
        ("where", "field", "reason"),
        [(each.where, each.field, each.reason) for each in problems],
    )
    screen.say(f"Nothing was sent: {_count(len(problems), 'problem')} to be mended first.", "red")
    screen.document({**_sources(gathered), "sent": 0})


def report_dry_run(screen: Screen, gathered: Gathered) -> None:
    """What would be sent."""
    _duplicates(screen, gathered.duplicates)
    _table(
        screen,
        "To be sent",
        ("where", "domain", "vector store", "url"),
        [
            (each.where, each.request.domain, each.request.vector_store, each.request.url)
            for each in gathered.documents
        ],
    )
    screen.say(f"Nothing was sent: {_count(len(gathered.documents), 'document')} would be.")
    documents = [_about(each) for each in gathered.documents]
    screen.document({**_sources(gathered), "sent": 0, "documents": documents})


def report(
    screen: Screen,
    gathered: Gathered,
    sent: Sent,
    found: Mapping[str, Progress],
    entries: Mapping[str, Entry],
) -> None:
    """How far each document has come; ``found`` and ``entries`` by the keys in the ledger."""
    documents = gathered.documents
    _duplicates(screen, gathered.duplicates)
    _table(
        screen,
        "Documents",
        ("document", "where", "stage", "reason"),
        [
            (each.request.url, each.where, _styled(found[each.key].stage), found[each.key].reason)
            for each in sorted(documents, key=lambda each: first_to_be_seen(found[each.key].stage))
        ],
    )
    screen.say(f"{len(sent.message_ids)} of {_count(len(documents), 'document')} sent.")
    screen.say(f"{counted(found)}.")
    screen.document(
        {
            **_sources(gathered),
            "sent": len(sent.message_ids),
            "documents": [
                _about(each)
                | {
                    "messageId": sent.message_ids.get(each.key),
                    "stage": found[each.key].stage,
                    "reason": found[each.key].reason,
                    "batchId": _batch_id(entries.get(each.key)),
                }
                for each in documents
            ],
        }
    )


def not_sent(sent: Sent) -> dict[str, Progress]:
    """How far those have come that were not sent."""
    return {
        key: Progress(stage=Stage.NOT_SENT, reason=reason) for key, reason in sent.unsent.items()
    }


def _duplicates(screen: Screen, duplicates: Sequence[Duplicate]) -> None:
    _table(
        screen,
        "Asked for more than once, and sent once",
        ("where", "the same as"),
        [(each.where, each.same_as) for each in duplicates],
    )


def _table(
    screen: Screen, title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Text]]
) -> None:
    """So many rows as a person reads."""
    screen.table(title, columns, rows[:_MOST_ROWS])
    if len(rows) > _MOST_ROWS:
        screen.say(f"… and {len(rows) - _MOST_ROWS} more: --json tells of all.")


def _styled(stage: Stage) -> Text:
    return Text(stage, style=STYLES.get(stage, ""))


def _sources(gathered: Gathered) -> dict[str, Any]:
    return {
        "problems": [_problem(each) for each in gathered.problems],
        "duplicates": [
            {"where": each.where, "sameAs": each.same_as} for each in gathered.duplicates
        ],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {"where": problem.where, "field": problem.field, "reason": problem.reason}


def _about(document: Document) -> dict[str, Any]:
    return {
        "where": document.where,
        "url": document.request.url,
        "requestId": document.request.request_id,
        "ledgerKey": document.key,
    }


def _batch_id(entry: Entry | None) -> str | None:
    return entry.batch.batch_id if entry and entry.batch else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
