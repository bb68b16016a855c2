"""Which batch holds a label: a label that is PENDING is held by exactly one."""

from collections.abc import Iterable
from itertools import islice

from boto3.dynamodb.conditions import Attr

from functions.clients.dynamodb import Table, Update
from functions.completions.entities import in_status
from functions.completions.identifiers import LabelId
from functions.completions.transactions import AT_ONCE, write_each, write_units
from functions.completions.vocabulary import ValidationStatus


def claim(table: Table, labels: Iterable[LabelId], batch_id: str) -> set[LabelId]:
    """Have a batch hold those labels that wait for one; the others are returned.

    Each label is claimed for itself: what was claimed before an error stays claimed.
    """

    def claiming(label: LabelId) -> Update:
        return Update(
            key=label.key,
            changes={**in_status(ValidationStatus.PENDING), "batch_id": batch_id},
            when=Attr("validation_status").eq(ValidationStatus.NONE),
        )

    lost: set[LabelId] = set()
    remaining = iter(labels)
    while some := list(islice(remaining, AT_ONCE)):
        refused = write_units(table, [[claiming(label)] for label in some])
        lost.update(some[position] for position in refused)
    return lost


def release(table: Table, labels: Iterable[LabelId], batch_id: str | None) -> int:
    """Let those labels that a batch still holds wait for another; how many there were.

    Without a batch, those that are PENDING under none.
    """
    owned = Attr("batch_id").not_exists() if batch_id is None else Attr("batch_id").eq(batch_id)

    def releasing(label: LabelId) -> Update:
        return Update(
            key=label.key,
            changes=in_status(ValidationStatus.NONE),
            remove=["batch_id"],
            when=Attr("validation_status").eq(ValidationStatus.PENDING) & owned,
        )

    return write_each(table, (releasing(label) for label in labels))
