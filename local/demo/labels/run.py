"""Runs the labels' half of the demo on a stack that is up."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text

from functions.completions.identifiers import WordId
from local.demo.labels.accounts import label_complaints, label_report
from local.demo.labels.reading import LabelSnapshot, batches_under_way, read_label_table
from local.demo.labels.rounds import RoundError, Rounds
from local.demo.labels.scenario import LABELS, RECEIPTS, prepare
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.stack import LocalStack

_IDS_A_FETCH = 100


@dataclass(frozen=True, kw_only=True)
class LabelRun:
    """The labels' part of the demo's report, and what is not as it should be."""

    report: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)


def run_labels(stack: LocalStack, console: Console, *, deadline_seconds: float) -> LabelRun:
    """Import the sample receipts, ask about their labels until none waits, and account for each."""
    if stack.standin:
        prepare(stack.standin)
    destination = Destination.of(stack)
    dynamodb, table = destination.dynamodb(), destination.table()
    receipts = read_receipts(RECEIPTS)
    labels = read_labels(LABELS, receipts)
    with stack.pinecone.index() as index:
        imported = import_receipts(
            receipts,
            labels,
            table=table,
            index=index,
            namespace=stack.namespace,
            clock=time.time,
        )
        console.print(
            f"Imported {imported.receipts} receipts with {imported.new_labels} proposed labels, "
            f"and {imported.new_vectors} vectors of their words."
        )
        rounds = Rounds(
            aws=stack.aws,
            look=lambda: read_label_table(dynamodb, table.name),
            under_way=lambda: batches_under_way(dynamodb, table.name),
            tell=lambda line: console.print(Text(line), soft_wrap=True),
            deadline=time.monotonic() + deadline_seconds,
        )
        problems = []
        try:
            rounds.run()
        except RoundError as error:
            problems.append(str(error))
        snapshot = read_label_table(dynamodb, table.name)
        problems += label_complaints(snapshot, _vectors(index, snapshot, stack.namespace))
    report = label_report(rounds.done, snapshot, imported=imported.labels)
    return LabelRun(report=report, problems=problems)


def _vectors(
    index: Any, snapshot: LabelSnapshot, namespace: str
) -> dict[WordId, Mapping[str, Any]]:
    words = {label.word.vector_id: label.word for label in snapshot.labels}
    found = {}
    for ids in _portions(list(words)):
        for id_, vector in index.fetch(ids=ids, namespace=namespace).vectors.items():
            found[words[id_]] = vector.metadata
    return found


def _portions(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _IDS_A_FETCH] for start in range(0, len(ids), _IDS_A_FETCH))
