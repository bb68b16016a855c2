"""The whole of ``ingest``: gather, check, send, and follow."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as ProgressBar

from ops.errors import OpsError
from ops.ingest.documents import Gathered, gather
from ops.ingest.report import not_sent, report, report_dry_run, report_problems
from ops.ingest.sending import Sender, Sent
from ops.ingest.stages import Entry, Progress, Rules, Stage
from ops.ingest.view import progress_shown
from ops.ingest.watching import Followed, Watcher, ledger_entries, watch
from ops.screen import Screen
from ops.stack import Stack

_FAILED, _WRONG = 1, 2
# A queue without dead letters has its messages tried for days.
_NEVER = 10**9


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked for."""

    sources: list[str]
    defaults: Mapping[str, Any]
    dry_run: bool = False
    watch_seconds: float | None = None
    """How long the documents are followed; None if they are not."""


def ingest(wanted: Wanted, stack: Stack, screen: Screen) -> int:
    """Do it; the exit code. OpsError, FlowError, and botocore's errors."""
    attributes = _attributes(stack, stack.outputs.download_queue_url)
    most_bytes = int(attributes["MaximumMessageSize"])
    gathered = gather(wanted.sources, wanted.defaults, most_bytes=most_bytes)
    if gathered.problems:
        report_problems(screen, gathered)
        return _WRONG
    if not gathered.documents:
        raise OpsError(f"there is no document in {', '.join(wanted.sources)}")
    if wanted.dry_run:
        report_dry_run(screen, gathered)
        return 0
    follows = wanted.watch_seconds is not None
    before = ledger_entries(stack, gathered.documents) if follows else {}
    sent = _send(stack, gathered, screen, most_bytes)
    found = {key: Progress(stage=Stage.QUEUED) for key in sent.message_ids} | not_sent(sent)
    entries: Mapping[str, Entry] = {}
    if wanted.watch_seconds is not None and sent.message_ids:
        watcher = _watcher(stack, gathered, sent, before, _receives(attributes))
        with progress_shown(screen.console, gathered.documents) as show:
            watch(
                watcher,
                lambda seen: show({**found, **seen.progress}),
                timeout_seconds=wanted.watch_seconds,
            )
        found |= watcher.progress
        entries = watcher.entries
    report(screen, gathered, sent, found, entries)
    if follows and not all(each.stage.is_end for each in found.values()):
        screen.say(f"The {wanted.watch_seconds:.0f} s are up; they go on without being watched.")
    if follows:
        return 0 if all(each.stage.is_well for each in found.values()) else _FAILED
    return _FAILED if sent.unsent else 0


def _send(stack: Stack, gathered: Gathered, screen: Screen, most_bytes: int) -> Sent:
    documents = gathered.documents
    with _bar(screen, len(documents)) as bar:
        sender = Sender(
            sqs=stack.client("sqs"),
            queue_url=stack.outputs.download_queue_url,
            most_bytes=most_bytes,
            tell=lambda number: bar.advance(bar.task_ids[0], number),
        )
        try:
            return sender.send(documents)
        except KeyboardInterrupt:
            screen.say(f"{len(sender.done.message_ids)} of {len(documents)} documents sent.")
            raise


@contextmanager
def _bar(screen: Screen, total: int) -> Iterator[ProgressBar]:
    """A progress bar on a terminal, and nothing elsewhere."""
    columns = TextColumn("Sending"), BarColumn(), MofNCompleteColumn()
    hidden = screen.as_json or not screen.console.is_terminal
    with ProgressBar(*columns, console=screen.console, transient=True, disable=hidden) as bar:
        bar.add_task("", total=total)
        yield bar


def _watcher(
    stack: Stack, gathered: Gathered, sent: Sent, before: Mapping[str, Entry], receives: int
) -> Watcher:
    analysis = _attributes(stack, stack.outputs.market_analysis_queue_url)
    rules = Rules(
        download_receives=receives,
        analysis_receives=_receives(analysis),
        refresh_after_seconds=stack.outputs.ingest_refresh_after_hours * 3600,
    )
    followed = [
        Followed(
            document=each,
            message_id=sent.message_ids[each.key],
            before=before.get(each.key),
        )
        for each in gathered.documents
        if each.key in sent.message_ids
    ]
    return Watcher(stack, followed, rules)


def _attributes(stack: Stack, url: str) -> Mapping[str, str]:
    names = ["MaximumMessageSize", "RedrivePolicy"]
    answer = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    attributes: dict[str, str] = answer["Attributes"]
    return attributes


def _receives(attributes: Mapping[str, str]) -> int:
    """How often a message is tried before it is a dead letter."""
    policy = json.loads(attributes.get("RedrivePolicy", "{}"))
    return int(policy.get("maxReceiveCount", _NEVER))
