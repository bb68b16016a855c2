"""Following documents from the queue to their analyses, by the tables and the flow."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.clients import aws
from functions.clients.dynamodb import Item
from functions.errors import AwsUnavailableError, InvalidItemError
from functions.ingest.ledger import HANDED_OVER
from functions.items import Model, read_item
from ops.executions import RUNNING, SUCCEEDED, Execution, Executions
from ops.ingest.documents import Document
from ops.ingest.stages import (
    Entry,
    Failed,
    Progress,
    Rules,
    Sight,
    Stage,
    analysed_item,
    progress,
)
from ops.items import ItemKey, read_items
from ops.stack import Stack

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 10.0, 1.3
# With very many documents the pauses are so long that no more than this are read in a second.
_DOCUMENTS_A_SECOND = 500
# Step Functions lets DescribeExecution have 15 a second in most regions:
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_RUNS_A_LOOK = 50


def ledger_entries(stack: Stack, documents: Sequence[Document]) -> dict[str, Entry]:
    """What the ledger says of documents, by their keys. AwsUnavailableError, AwsRejectedError."""
    items = read_items(
        stack.client("dynamodb"),
        stack.outputs.ingest_ledger_table_name,
        (_request(document.key) for document in documents),
    )
    found = {d.key: _readable(Entry, items.get(_request(d.key))) for d in documents}
    return {key: entry for key, entry in found.items() if entry is not None}


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A document that was sent, its message, and what the ledger said before."""

    document: Document
    message_id: str
    before: Entry | None


class Watcher:
    """Looks at where documents are, again and again."""

    def __init__(self, stack: Stack, followed: Iterable[Followed], rules: Rules) -> None:
        self._outputs = stack.outputs
        self._dynamodb = stack.client("dynamodb")
        self._executions = Executions(
            stack.client("stepfunctions"), stack.outputs.vector_store_batch_flow_arn
        )
        self._rules = rules
        self.open = {each.document.key: each for each in followed}
        """Those that have not ended, by their keys."""
        self.progress = {key: Progress(stage=Stage.QUEUED) for key in self.open}
        self.entries = {key: each.before for key, each in self.open.items() if each.before}
        """What the ledger said last."""
        self._runs: dict[str, Execution] = {}
        self._asked: dict[str, int] = {}
        self._looks = 0

    def look(self) -> None:
        """See where those are that have not ended. AwsUnavailableError, AwsRejectedError.

        What is downstream is read first: what moves on meanwhile is seen by the next look, and
        nothing is taken for analysed whose failure is about to be read.
        """
        self._looks += 1
        handed_over = {
            batch.batch_id: self.open[key].document
            for key, entry in self.entries.items()
            if key in self.open and entry.status == HANDED_OVER and (batch := entry.batch)
        }
        analyses = self._analyses(handed_over)
        self._see_runs([id_ for id_ in handed_over if analyses[id_] != "DONE"])
        failures = self._analysis_failures()
        items = self._ledger_items()
        for key, each in list(self.open.items()):
            entry = _readable(Entry, items.get(_request(key)))
            batch_id = entry.batch.batch_id if entry and entry.batch else ""
            sight = Sight(
                before=each.before,
                entry=entry,
                failed=_readable(Failed, items.get(_failure(each.message_id))),
                run=self._runs.get(batch_id),
                analysis_status=analyses.get(batch_id, ""),
                analysis_failed=failures.get(batch_id),
            )
            self._take(key, sight)

    def _take(self, key: str, sight: Sight) -> None:
        if sight.entry is not None:
            self.entries[key] = sight.entry
        self.progress[key] = progress(sight, self._rules, time.time())
        if self.progress[key].stage.is_end:
            del self.open[key]

    def _analyses(self, batches: Mapping[str, Document]) -> dict[str, str]:
        """The status of the analysis of each batch; empty where there is none."""
        keys = {id_: analysed_item(each.request, id_) for id_, each in batches.items()}
        items = self._read(self._outputs.analyses_table_name, keys.values())
        return {id_: str(items.get(key, {}).get("status", "")) for id_, key in keys.items()}

    def _see_runs(self, batch_ids: Sequence[str]) -> None:
        """Of those that have not ended so many as may be asked for, the longest unasked first."""
        running = [
            id_ for id_ in batch_ids if id_ not in self._runs or self._runs[id_].status == RUNNING
        ]
        running.sort(key=lambda id_: self._asked.get(id_, 0))
        for id_ in running[:_RUNS_A_LOOK]:
            self._asked[id_] = self._looks
            with aws.translated():
                run = self._executions.named(id_)
            if run is not None:
                self._runs[id_] = run

    def _analysis_failures(self) -> dict[str, Failed]:
        """Failed deliveries of the messages that the flow has sent, by batch."""
        messages = {
            id_: message
            for id_, run in self._runs.items()
            if run.status == SUCCEEDED and (message := _sent_message(run.output))
        }
        keys = [_failure(message) for message in messages.values()]
        items = self._read(self._outputs.analyses_table_name, keys)
        found = {id_: _readable(Failed, items.get(_failure(m))) for id_, m in messages.items()}
        return {id_: failed for id_, failed in found.items() if failed is not None}

    def _ledger_items(self) -> dict[ItemKey, Item]:
        keys = [
            key
            for each in self.open.values()
            for key in (_request(each.document.key), _failure(each.message_id))
        ]
        return self._read(self._outputs.ingest_ledger_table_name, keys)

    def _read(self, table: str, keys: Iterable[ItemKey]) -> dict[ItemKey, Item]:
        return read_items(self._dynamodb, table, keys)


def watch(
    watcher: Watcher,
    show: Callable[[Watcher], None],
    *,
    timeout_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Look until every document has ended or the time is up, less and less often.

    AwsRejectedError; that AWS does not answer for a while ends nothing.
    """
    deadline = clock() + timeout_seconds
    wait = _FIRST_PAUSE
    while True:
        try:
            watcher.look()
        except AwsUnavailableError:
            wait = _LONGEST_PAUSE
        show(watcher)
        remaining = deadline - clock()
        if not watcher.open or remaining <= 0:
            return
        pause(min(max(wait, len(watcher.open) / _DOCUMENTS_A_SECOND), remaining))
        wait = min(wait * _GROWTH, _LONGEST_PAUSE)


def _request(key: str) -> ItemKey:
    return f"REQUEST#{key}", "REQUEST"


def _failure(message_id: str) -> ItemKey:
    return f"MESSAGE#{message_id}", "FAILURE"


def _sent_message(output: str) -> str:
    """The id of the message that an execution's last step sent; empty if it says of none."""
    try:
        answer: Any = json.loads(output)
    except ValueError:
        return ""
    return str(answer.get("MessageId", "")) if isinstance(answer, dict) else ""


def _readable(model: type[Model], item: Item | None) -> Model | None:
    """None, too, where the item is not what it should be: its document then ends as what it is."""
    try:
        return None if item is None else read_item(model, item)
    except InvalidItemError:
        return None
