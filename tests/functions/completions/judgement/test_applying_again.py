"""A chunk that is applied while others change its labels, twice at once, or after a crash."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.clients.dynamodb import Item, Table
from functions.clients.s3 import Bucket
from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import LabelId
from functions.completions.vocabulary import Outcome, ValidationStatus
from functions.errors import AwsUnavailableError
from tests.functions.completions.judgement.answered_batches import (
    BATCH,
    Job,
    WatchedTable,
    answer,
    apply,
    collected,
    empty,
    end,
    held,
    items,
    judged,
    label,
    outcomes,
    put,
    record,
    statuses,
)
from tests.functions.completions.judgement.answered_lines import result, target

DATE, TIME, TAX, TIP = (target(1, name) for name in ("DATE", "TIME", "TAX", "TIP"))
OTHER = target(2, "DATE")
NONE, PENDING, VALID, INVALID, NEEDS_REVIEW = ValidationStatus


def meanwhile(table: Table, change: Callable[[], None]) -> WatchedTable:
    """A table where something happens between what is read and what is written first."""
    return WatchedTable(table, before=lambda write: change() if write == 1 else None)


@pytest.mark.parametrize("results", [[result(DATE, True)], [result(DATE, False, "TIME")], []])
@pytest.mark.parametrize(
    "changed",
    [
        judged(DATE, INVALID, by=None),
        judged(DATE, INVALID, by=BATCH),
        held(DATE, batch_id="later"),
    ],
)
def test_a_label_that_is_changed_before_it_is_written_is_left_alone(
    label_table: Table, bucket: Bucket, results: list[Any], changed: ReceiptWordLabel
) -> None:
    put(label_table, held(DATE), held(OTHER))
    job = answer([*results, result(OTHER, True)], [DATE, OTHER])
    collected(label_table, bucket, job)

    apply(meanwhile(label_table, lambda: put(label_table, changed)), bucket)

    assert label(label_table, DATE) == changed
    assert label_table.get(TIME.key) is None
    assert outcomes(label_table, DATE, OTHER) == [Outcome.SUPERSEDED, Outcome.VALID]
    end(label_table)


def test_a_label_that_is_deleted_before_it_is_written_stays_away(
    label_table: Table, bucket: Bucket
) -> None:
    put(label_table, held(DATE))
    collected(label_table, bucket, answer([result(DATE, True)], [DATE]))

    apply(meanwhile(label_table, lambda: empty_of(label_table, DATE)), bucket)

    assert label_table.get(DATE.key) is None
    assert outcomes(label_table, DATE) == [Outcome.SUPERSEDED]


def empty_of(table: Table, id_: LabelId) -> None:
    assert table.delete(id_.key)


def test_the_others_of_a_transaction_are_written_at_once(
    label_table: Table, bucket: Bucket
) -> None:
    about = [target(word, "DATE") for word in range(1, 11)]
    put(label_table, *(held(one) for one in about))
    collected(label_table, bucket, answer([result(one, True) for one in about], about))
    table = meanwhile(label_table, lambda: put(label_table, judged(about[3], VALID, by=None)))

    apply(table, bucket)

    # All, all but one, and its record; two readings of the one receipt.
    assert table.writes == [20, 18, 1]
    assert table.queries == 2
    end(label_table)


@pytest.mark.parametrize(
    ("standing", "status", "reason"),
    [
        (
            judged(TIME, VALID, by=None),
            NEEDS_REVIEW,
            "TIME, suggested in its place, is VALID already",
        ),
        (judged(TIME, NONE, by=None), INVALID, None),
    ],
)
def test_a_correction_that_somebody_else_proposes_first_is_left_alone(
    label_table: Table,
    bucket: Bucket,
    standing: ReceiptWordLabel,
    status: ValidationStatus,
    reason: str | None,
) -> None:
    put(label_table, held(DATE))
    collected(label_table, bucket, answer([result(DATE, False, "TIME")], [DATE]))

    apply(meanwhile(label_table, lambda: put(label_table, standing)), bucket)

    assert label(label_table, TIME) == standing
    assert statuses(label_table, DATE) == [(status, BATCH)]
    assert record(label_table, DATE).reason == reason
    end(label_table)


def test_a_correction_that_cannot_be_read_is_left_alone(label_table: Table, bucket: Bucket) -> None:
    broken = judged(TIME, VALID).to_item() | {"validation_status": "SURE"}
    label_table.put(broken)
    put(label_table, held(DATE))
    collected(label_table, bucket, answer([result(DATE, False, "TIME")], [DATE]))

    apply(label_table, bucket)

    assert label_table.get(TIME.key) == broken
    assert statuses(label_table, DATE) == [(INVALID, BATCH)]
    end(label_table)


def test_a_correction_is_proposed_for_the_next_label_if_the_first_is_changed(
    label_table: Table, bucket: Bucket
) -> None:
    put(label_table, held(DATE), held(TAX))
    results = [result(DATE, False, "TIME"), result(TAX, False, "TIME")]
    collected(label_table, bucket, answer(results, [DATE, TAX]))
    changed = judged(DATE, VALID, by=None)

    apply(meanwhile(label_table, lambda: put(label_table, changed)), bucket)

    assert label(label_table, DATE) == changed
    assert statuses(label_table, TAX, TIME) == [(INVALID, BATCH), (NONE, None)]
    assert label(label_table, TIME).label_consolidated_from == "TAX"
    end(label_table)


def test_labels_that_change_all_the_time_are_left_for_another_try(
    label_table: Table, bucket: Bucket
) -> None:
    put(label_table, held(DATE))
    collected(label_table, bucket, answer([result(DATE, True)], [DATE]))
    restless = WatchedTable(
        label_table,
        before=lambda _: put(label_table, judged(DATE, VALID, by=None)),
        after=lambda _: put(label_table, held(DATE)),
    )

    with pytest.raises(AwsUnavailableError, match=f"labels of batch {BATCH} were changed"):
        apply(restless, bucket)

    apply(label_table, bucket)
    assert statuses(label_table, DATE) == [(VALID, BATCH)]
    end(label_table)


LABELS = [held(DATE), held(TAX), held(TIP, attempts=2), held(OTHER), judged(TIME, VALID, by=None)]
RESULTS = [
    result(DATE, True),
    result(TAX, False, "CHANGE"),
    result(TIP, False, "CHANGE"),
    result(TIME, False),
]


def a_job() -> Job:
    """One of each: valid, two with the same correction, unanswered, superseded, a stray line."""
    job = answer(RESULTS, [DATE, TAX, TIP, OTHER, TIME])
    job.strays = [b"nonsense"]
    return job


def begin(table: Table, bucket: Bucket, job: Job, labels: Sequence[ReceiptWordLabel]) -> None:
    empty(table)
    put(table, *labels)
    collected(table, bucket, job)


def applied(
    table: Table, bucket: Bucket, job: Job, labels: Sequence[ReceiptWordLabel]
) -> tuple[list[Item], int]:
    """What is in the table once a job has been applied without trouble, and the calls it took."""
    begin(table, bucket, job, labels)
    watched = WatchedTable(table)
    apply(watched, bucket)
    return items(table), len(watched.writes)


def crashing(table: Table, at: int, *, written: bool) -> WatchedTable:
    """A table whose ``at``-th write breaks off, before or after it is done."""

    def crash(write: int) -> None:
        if write == at:
            raise AwsUnavailableError("gone")

    return WatchedTable(table, after=crash) if written else WatchedTable(table, before=crash)


@pytest.mark.parametrize("written", [False, True])
def test_a_crash_at_any_write_is_made_good_by_applying_again(
    label_table: Table, bucket: Bucket, written: bool
) -> None:
    expected, writes = applied(label_table, bucket, a_job(), LABELS)
    assert writes == 4

    for at in range(1, writes + 1):
        begin(label_table, bucket, a_job(), LABELS)
        with pytest.raises(AwsUnavailableError, match="gone"):
            apply(crashing(label_table, at, written=written), bucket)
        apply(label_table, bucket)

        assert items(label_table) == expected
    end(label_table)


def test_two_at_once_are_as_one(label_table: Table, bucket: Bucket) -> None:
    expected, _ = applied(label_table, bucket, a_job(), LABELS)
    begin(label_table, bucket, a_job(), LABELS)
    both = threading.Barrier(2)

    def meet(write: int) -> None:
        # Each time, both have read the labels before either writes; what is left then is of one.
        if write < 4:
            both.wait(30)

    tables = [WatchedTable(label_table, before=meet) for _ in range(2)]

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(apply, table, bucket) for table in tables]:
            done.result()

    assert items(label_table) == expected
    end(label_table)


STANDING = st.sampled_from(["missing", "held", "held", "held", "VALID", "INVALID", "NONE"])


@st.composite
def jobs(draw: st.DrawFn) -> tuple[list[ReceiptWordLabel], list[LabelId], list[dict[str, Any]]]:
    """Labels, those that were asked about, and what was said of them."""
    labels, asked, results = [], [], []
    for about in (target(word, name) for word in (1, 2) for name in ("DATE", "TAX", "TIP")):
        standing = draw(STANDING)
        if standing == "held":
            labels.append(held(about, attempts=draw(st.integers(0, 2))))
        elif standing != "missing":
            labels.append(judged(about, ValidationStatus(standing)))
        if standing == "held" or draw(st.booleans()):
            asked.append(about)
            suggested = draw(st.sampled_from([None, "DATE", "TAX", "CHANGE", "SHOE_SIZE"]))
            said = [result(about, True), result(about, False, suggested), result(about, "true")]
            results += draw(st.lists(st.sampled_from(said), max_size=2))
    return labels, asked, results


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    job=jobs().filter(lambda job: bool(job[1])),
    data=st.data(),
    crashes=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=3),
)
def test_the_table_in_the_end_depends_on_neither_order_nor_crashes(
    label_table: Table,
    bucket: Bucket,
    job: tuple[list[ReceiptWordLabel], list[LabelId], list[dict[str, Any]]],
    data: st.DataObject,
    crashes: list[tuple[int, bool]],
) -> None:
    labels, asked, results = job
    expected, _ = applied(label_table, bucket, answer(results, asked), labels)

    shuffled = answer(data.draw(st.permutations(results)), data.draw(st.permutations(asked)))
    begin(label_table, bucket, shuffled, labels)
    for at, written in crashes:
        try:
            apply(crashing(label_table, at, written=written), bucket)
        except AwsUnavailableError:
            continue
    apply(label_table, bucket)

    assert items(label_table) == expected
    end(label_table)
