"""What OpenAI takes for labels, from the usage that each batch's summary has of its job."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from boto3.dynamodb.conditions import Key

from functions.clients.dynamodb import Item, Table
from functions.completions.batches import BatchSummary
from functions.completions.vocabulary import BatchStatus, BatchType, Outcome
from functions.costs import TokenUsage, cost_usd
from functions.errors import InvalidItemError
from functions.prices import model_price
from ops.costs.lines import Basis, Line, unknown

_ANSWERED = (Outcome.VALID, Outcome.INVALID, Outcome.NEEDS_REVIEW, Outcome.SUPERSEDED)
_OPEN = (BatchStatus.SUBMITTING, BatchStatus.PENDING)


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Batches of the label table, as far as they were read."""

    ended: Sequence[BatchSummary]
    """Within the days that are asked about."""
    under_way: Sequence[BatchSummary]
    unreadable: int
    all_read: bool


def read_batches(table: Table, since: datetime, until: datetime, *, limit: int) -> Batches:
    """The batches that are under way, and those that ended between two times.

    Their index knows no times, so batches that ended before are read too, ``limit`` in all.
    """
    under_way: list[BatchSummary] = []
    unreadable = 0
    items = list(islice(_items(table), limit + 1))
    ended = []
    for item in items[:limit]:
        try:
            summary = BatchSummary.from_item(item)
            finished = _finished(summary)
        except (InvalidItemError, ValueError):
            unreadable += 1
            continue
        if summary.status in _OPEN:
            under_way.append(summary)
        elif finished is not None and since <= finished <= until:
            ended.append(summary)
    return Batches(
        ended=ended,
        under_way=under_way,
        unreadable=unreadable,
        all_read=len(items) <= limit,
    )


def usage_of(summary: BatchSummary) -> TokenUsage | None:
    """What OpenAI counted for a batch; None if it answered and did not say what it used."""
    usage = TokenUsage(
        input_tokens=summary.input_tokens,
        output_tokens=summary.output_tokens,
        cached_tokens=summary.cached_tokens,
    )
    answered = sum(summary.outcomes.get(outcome, 0) for outcome in _ANSWERED)
    return None if answered and not usage.input_tokens else usage


def ended_lines(batches: Batches) -> list[Line]:
    """A line for each model, and one for each thing that is not known."""
    lines = []
    for model, summaries in _by_model(batches.ended):
        what = f"labels: {model}, Batch API"
        used = [each for each in summaries if usage_of(each) is not None]
        if used:
            lines.append(_line(what, model, used))
        if silent := len(summaries) - len(used):
            lines.append(unknown(what, f"OpenAI did not say what {_batches(silent)} used"))
    if batches.unreadable:
        why = f"{_batches(batches.unreadable)} cannot be read"
        lines.append(unknown("labels", why))
    if not batches.all_read:
        lines.append(unknown("labels", "there are more batches than --limit allows to be read"))
    return lines


def under_way_lines(batches: Batches) -> list[Line]:
    """What the batches will have cost at most that OpenAI has not finished."""
    lines = []
    for model, summaries in _by_model(batches.under_way):
        usage = sum(
            (
                TokenUsage(input_tokens=each.prompt_tokens, output_tokens=each.answer_tokens)
                for each in summaries
            ),
            TokenUsage(input_tokens=0, output_tokens=0),
        )
        what, price = f"labels: {model}, Batch API", model_price(model)
        lines.append(
            Line(
                what=what,
                amount=f"{sum(each.target_count for each in summaries):,} labels in "
                f"{_batches(len(summaries))}",
                usd=cost_usd(model, usage, batch=True),
                basis=Basis.UNKNOWN if price is None else Basis.ESTIMATE,
                prices_as_of=price.as_of if price else None,
                note="at most" if price else f"no price is known of {model}",
            )
        )
    return lines


def used_by(summaries: Iterable[BatchSummary]) -> TokenUsage:
    """What OpenAI counted for all batches of which it said so."""
    used = (usage for each in summaries if (usage := usage_of(each)) is not None)
    return sum(used, TokenUsage(input_tokens=0, output_tokens=0))


def _line(what: str, model: str, summaries: Sequence[BatchSummary]) -> Line:
    usage, price = used_by(summaries), model_price(model)
    return Line(
        what=what,
        amount=f"{usage.input_tokens:,} tokens read, {usage.output_tokens:,} written, "
        f"{sum(each.target_count for each in summaries):,} labels in {_batches(len(summaries))}",
        usd=cost_usd(model, usage, batch=True),
        basis=Basis.UNKNOWN if price is None else Basis.RECORDED,
        prices_as_of=price.as_of if price else None,
        note="" if price else f"no price is known of {model}",
    )


def _batches(number: int) -> str:
    return f"{number:,} batch" if number == 1 else f"{number:,} batches"


def _by_model(summaries: Iterable[BatchSummary]) -> list[tuple[str, list[BatchSummary]]]:
    grouped = defaultdict(list)
    for each in summaries:
        grouped[each.model].append(each)
    return sorted(grouped.items())


def _items(table: Table) -> Iterable[Item]:
    """Those under way first, which are few."""
    ours = Key("GSI1SK").begins_with(f"BATCH_TYPE#{BatchType.COMPLETION}#")
    for status in (*_OPEN, *(each for each in BatchStatus if each not in _OPEN)):
        yield from table.query(Key("GSI1PK").eq(f"STATUS#{status}") & ours, index="GSI1")


def _finished(summary: BatchSummary) -> datetime | None:
    """ValueError if it is no time, or one without its offset from UTC."""
    if summary.finished_at is None:
        return None
    finished = datetime.fromisoformat(summary.finished_at)
    if finished.tzinfo is None:
        raise ValueError(f"{summary.finished_at} has no offset from UTC")
    return finished
