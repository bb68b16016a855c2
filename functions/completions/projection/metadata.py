"""What Pinecone shows of a word."""

from collections.abc import Iterable

from functions.completions.entities import ReceiptWordLabel
from functions.completions.vocabulary import ValidationStatus

_WAITING = (ValidationStatus.NONE, ValidationStatus.PENDING)


def word_metadata(labels: Iterable[ReceiptWordLabel]) -> dict[str, str | list[str]]:
    """What Pinecone shows of a word with these labels: always all, as it cannot delete a key.

    ``proposed_label`` is the newest without a verdict, and empty if there is none.
    """
    labels = list(labels)
    waiting = [label for label in labels if label.validation_status in _WAITING]
    newest = max(waiting, key=lambda each: (each.timestamp_added, each.id.label), default=None)
    return {
        "valid_labels": _named(labels, ValidationStatus.VALID),
        "invalid_labels": _named(labels, ValidationStatus.INVALID),
        "proposed_label": newest.id.label if newest else "",
    }


def _named(labels: Iterable[ReceiptWordLabel], status: ValidationStatus) -> list[str]:
    return sorted(label.id.label for label in labels if label.validation_status is status)
