"""What became of the labels, as the report has it, and what of it is not as it should be."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from functions.completions.batches import BatchSummary
from functions.completions.identifiers import WordId
from functions.completions.vocabulary import Outcome, ValidationStatus
from local.demo.labels.reading import LabelSnapshot
from local.demo.labels.rounds import Round

_WAITING = (ValidationStatus.NONE, ValidationStatus.PENDING)


def label_report(
    rounds: Sequence[Round], snapshot: LabelSnapshot, *, imported: int
) -> dict[str, Any]:
    """The labels' part of the demo's report."""
    round_of = {batch_id: each.number for each in rounds for batch_id in each.batch_ids}
    return {
        "labels": {
            "imported": imported,
            "rounds": [
                {
                    "round": each.number,
                    "before": dict(each.before),
                    "after": dict(each.after),
                    "polls": each.polls,
                }
                for each in rounds
            ],
        },
        "completionBatches": [
            {"round": round_of.get(batch.batch_id), **_batch(batch, snapshot)}
            for batch in snapshot.batches
        ],
        "auditRecords": len(snapshot.results),
        "vectorsUpdated": len(shown(snapshot)),
    }


def _batch(batch: BatchSummary, snapshot: LabelSnapshot) -> dict[str, Any]:
    outcomes = {outcome: batch.outcomes.get(outcome, 0) for outcome in Outcome}
    return {
        "batchId": batch.batch_id,
        "openaiBatchId": batch.openai_batch_id,
        "status": batch.status.value,
        "requests": batch.request_count,
        "targets": batch.target_count,
        "valid": outcomes[Outcome.VALID],
        "invalid": outcomes[Outcome.INVALID],
        "needsReview": outcomes[Outcome.NEEDS_REVIEW],
        "superseded": outcomes[Outcome.SUPERSEDED],
        "unanswered": outcomes[Outcome.UNANSWERED],
        "corrections": len(snapshot.corrections(batch.batch_id)),
    }


def shown(snapshot: LabelSnapshot) -> set[WordId]:
    """The words with a verdict that Pinecone has been told."""
    labels = snapshot.labels.values()
    judged = {label.id.word for label in labels if label.validation_status not in _WAITING}
    return judged - {label.id.word for label in labels if label.projection}


def label_complaints(
    snapshot: LabelSnapshot, vectors: Mapping[WordId, Mapping[str, Any]]
) -> Iterator[str]:
    """A sentence for each thing that is not as it should be; ``vectors`` has their metadata."""
    for status in _WAITING:
        if count := snapshot.statuses[status]:
            yield f"{count} labels are still {status}"
    for batch in snapshot.batches:
        if sum(batch.outcomes.values()) != batch.target_count:
            yield f"batch {batch.batch_id} {batch.status}: {batch.outcomes} of {batch.target_count}"
    targets = sum(batch.target_count for batch in snapshot.batches)
    if len(snapshot.results) != targets:
        yield f"{len(snapshot.results)} audit records for {targets} targets"
    for word, wanted in snapshot.metadata().items():
        found = {name: vectors.get(word, {}).get(name) for name in wanted}
        if found != wanted:
            yield f"the vector {word.vector_id} shows {found}, its labels say {wanted}"
