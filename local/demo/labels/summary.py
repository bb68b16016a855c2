"""What a person reads of the labels: each round, and each batch."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_STATUSES = ("NONE", "VALID", "INVALID", "NEEDS_REVIEW")
_BATCH_COLUMNS = {
    "targets": "labels",
    "valid": "valid",
    "invalid": "invalid",
    "needsReview": "review",
    "unanswered": "again",
    "corrections": "corrected",
}
_SHORT_ID = len("batch_") + 6
_STYLES = {"COMPLETED": "green", "EXPIRED": "yellow", "CANCELLED": "yellow", "FAILED": "red"}


def print_labels(console: Console, report: Mapping[str, Any]) -> None:
    """The labels' part of the demo's report, for at least 80 columns."""
    console.print()
    console.print(Text("Each Batch API job, and what became of its labels", style="bold"))
    console.print(_batches(report["completionBatches"]))
    console.print(
        Text("again: no answer, as a request failed, was refused or expired", style="dim")
    )
    console.print(Text("The labels after each round", style="bold"))
    console.print(_rounds(report["labels"]["rounds"]))
    corrections = sum(batch["corrections"] for batch in report["completionBatches"])
    console.print(
        f"{report['labels']['imported']} labels were proposed, {corrections} of them corrected and "
        f"the corrections asked about in their turn.\n{report['auditRecords']} audit records, "
        f"{report['vectorsUpdated']} vectors updated."
    )


def _batches(batches: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("round", "job", "status", *_BATCH_COLUMNS.values(), texts=3)
    for batch in batches:
        table.add_row(
            str(batch["round"]),
            Text((batch["openaiBatchId"] or "none")[:_SHORT_ID], style="cyan"),
            Text(batch["status"], style=_STYLES.get(batch["status"], "red")),
            *(str(batch[key] or "") for key in _BATCH_COLUMNS),
        )
    return table


def _rounds(rounds: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("", *(status.lower().replace("_", " ") for status in _STATUSES), texts=1)
    states = [("imported", rounds[0]["before"])] if rounds else []
    states += [(f"round {each['round']}", each["after"]) for each in rounds]
    for name, statuses in states:
        table.add_row(name, *(str(statuses.get(status) or "") for status in _STATUSES))
    return table


def _table(*names: str, texts: int) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for position, name in enumerate(names):
        table.add_column(name, justify="left" if position < texts else "right", no_wrap=True)
    return table
