"""The label table and OpenAI, as far as the listing of pending batches asks them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from boto3.dynamodb.conditions import And, Attr, ConditionBase, Equals

from functions.clients.dynamodb import Item, Key, Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.completions.batches import BatchSummary
from functions.completions.entities import iso
from functions.completions.vocabulary import BatchStatus


class PendingBatches(Table):
    """A table of nothing but summaries, all submitted at the same time and PENDING."""

    def __init__(self, batches: int, *, submitted_at: float) -> None:
        summaries = [_summary(number, submitted_at) for number in range(batches)]
        self._items = {summary.key["PK"]: summary.to_item() for summary in summaries}

    def query(
        self,
        key: ConditionBase,  # noqa: ARG002 - the one that is asked
        *,
        index: str | None = None,  # noqa: ARG002
        only: Sequence[str] = (),  # noqa: ARG002
        page_size: int | None = None,  # noqa: ARG002
    ) -> Iterator[Item]:
        """The batches that are pending."""
        yield from list(self._items.values())

    def update(
        self,
        key: Key,
        changes: Mapping[str, Any],
        *,
        remove: Sequence[str] = (),  # noqa: ARG002 - nobody does
        when: ConditionBase | None = None,
    ) -> bool:
        """Change a summary; False if the condition did not hold."""
        item = self._items.get(key["PK"])
        if item is None or (when is not None and not _holds(when, item)):
            return False
        item.update(changes)
        return True

    def finish(self, number: int) -> None:
        """The batch is pending no more."""
        self._items.pop(f"BATCH#{batch_id(number)}", None)


class EndedJobs(BatchJobs):
    """OpenAI, where every job has completed."""

    def __init__(self) -> None:
        """No connection is needed."""

    def job(self, job_id: str) -> Job:
        """The job."""
        return Job(id=job_id, status="completed", created_at=0)


def batch_id(number: int) -> str:
    """Our name for the batch of that number."""
    return f"{number:06d}"


def _summary(number: int, submitted_at: float) -> BatchSummary:
    return BatchSummary(
        batch_id=batch_id(number),
        status=BatchStatus.PENDING,
        submitted_at=iso(submitted_at),
        model="model",
        targets_key="targets",
        target_count=0,
        request_count=0,
        prompt_tokens=0,
        openai_batch_id=f"batch_{number}",
    )


def _holds(condition: ConditionBase, item: Item) -> bool:
    """Whether a condition of equalities does; anything else is refused."""
    values = condition.get_expression()["values"]
    if isinstance(condition, And):
        return all(_holds(each, item) for each in values)
    attribute, value = values
    if not isinstance(condition, Equals) or not isinstance(attribute, Attr):
        raise NotImplementedError(condition.get_expression()["format"])
    return bool(item.get(attribute.name) == value)
