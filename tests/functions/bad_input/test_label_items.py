"""Whatever the items of the label table hold: a broken one is reported, and stops nothing else."""

import json
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.clients.dynamodb import Item, Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions import capacity
from functions.completions.batches import BatchSummary, CompletionBatchResult
from functions.completions.chunks import Entry
from functions.completions.collection.finishing import finish
from functions.completions.collection.listing import PollLimits, batches_to_collect
from functions.completions.entities import Receipt, ReceiptWordLabel
from functions.completions.identifiers import LabelId
from functions.completions.projection.leases import lease
from functions.completions.projection.marks import MarkedWords
from functions.completions.projection.projecting import retry_missing
from functions.completions.submission.reconciling import Reconciler
from functions.completions.targets import Request, targets_key
from functions.completions.vocabulary import BatchStatus, Outcome, ValidationStatus
from functions.errors import AwsRejectedError, InvalidItemError, LeaseHeldError
from local.standins.openai import OpenAIStandIn
from tests.functions.bad_input.inputs import (
    MISSING,
    OnlyOurErrors,
    assert_plain,
    check_told,
    each_part_as,
    each_part_missing,
    few,
    item_values,
    json_values,
    many,
    some,
    spoiled,
    texts,
)
from tests.functions.completions.collection.pending_batches import PendingBatches
from tests.functions.completions.submission.submissions import AFTER_THE_LEASE, Desk, label, receipt
from tests.functions.completions.test_entities import LABEL, RECEIPT, RESULT, SUMMARY

MODELS: list[tuple[Any, Item]] = [
    (ReceiptWordLabel, LABEL.to_item()),
    (BatchSummary, SUMMARY.to_item()),
    (CompletionBatchResult, RESULT.to_item()),
    (Receipt, RECEIPT.to_item()),
]
OTHER = str(uuid.UUID(int=99))


def put(table: Table, item: Item, *, keys: tuple[str, ...] = ("PK", "SK")) -> bool:
    """Whether DynamoDB takes the item; its indexes leave out what has no key of theirs."""
    try:
        return all(isinstance(item.get(key), str) for key in keys) and table.put(item)
    except AwsRejectedError:
        return False


@pytest.mark.parametrize(
    ("model", "good"), MODELS, ids=lambda value: getattr(value, "__name__", "")
)
@many
@given(data=st.data())
def test_any_item_is_its_model_or_refused_with_its_key(
    model: Any, good: Item, data: st.DataObject
) -> None:
    item = data.draw(spoiled(good, item_values))
    try:
        found = model.from_item(item)
    except InvalidItemError as error:
        check_told(error)
        return
    again = found.to_item()
    assert (again["PK"], again["SK"]) == (item["PK"], item["SK"]), "it would be written elsewhere"
    assert_plain(again)


@pytest.mark.parametrize(
    ("model", "good"), MODELS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_key_as_long_as_dynamodb_takes_it_is_told_in_part(model: Any, good: Item) -> None:
    item = {**good, "PK": "BATCH#" + 2_042 * "p"}
    if "batch_id" in good:
        item["batch_id"] = 2_042 * "q"
    with pytest.raises(InvalidItemError) as caught:
        model.from_item(item)
    check_told(caught.value)


# A table's numbers may have 126 digits, and no more than 38 can be written back.
WRONG: tuple[Any, ...] = (
    MISSING,
    None,
    Decimal("1E+125"),
    Decimal("-1E+125"),
    Decimal("1.5"),
    [],
    {"a"},
    b"x",
)


@pytest.mark.parametrize(
    ("model", "good"), MODELS, ids=lambda value: getattr(value, "__name__", "")
)
def test_every_part_of_an_item_is_looked_at(model: Any, good: Item) -> None:
    for item in each_part_as(good, *WRONG):
        with OnlyOurErrors():
            assert_plain(model.from_item(item).to_item())


def test_every_part_of_the_account_of_tokens_is_looked_at(label_table: Table) -> None:
    for item in each_part_as(STANDING, *WRONG):
        label_table.put({**item, **CAPACITY})
        with OnlyOurErrors():
            assert_plain(capacity.read(label_table, 1_001))


@many
@given(sk=texts | st.from_regex(r"RECEIPT#\d{4,8}#LINE#\d{4,8}#WORD#\d{4,8}#LABEL#[A-Z_]+"))
@example(sk="RECEIPT#\u0660\u0660\u0660\u0660\u0661#LINE#00001#WORD#00001#LABEL#DATE")
@example(sk="RECEIPT#000001#LINE#00001#WORD#00001#LABEL#DATE")
@example(sk=f"RECEIPT#00001#LINE#00001#WORD#{'9' * 900}#LABEL#DATE")
def test_a_key_is_one_labels_or_none(sk: str) -> None:
    pk = f"IMAGE#{OTHER}"
    with OnlyOurErrors():
        assert LabelId.of_key(pk, sk).key == {"PK": pk, "SK": sk}


CAPACITY = {"PK": "CAPACITY", "SK": "PROMPT_TOKENS"}
STANDING = {"tokens": 100, "openai_limit": 90_000, "limit_seen_at": 1_000}


@some
@given(item=spoiled(STANDING, item_values))
def test_any_account_of_tokens_is_read_or_refused(label_table: Table, item: Item) -> None:
    if put(label_table, {**item, **CAPACITY}):
        with OnlyOurErrors():
            standing = capacity.read(label_table, 1_001)
            assert_plain(standing)
            label_table.write_all([capacity.taking(10, standing.limit(None))])


@some
@given(message=texts | st.from_regex(r"Limit: [0-9,]{0,40} enqueued tokens", fullmatch=True))
@example(message=f"Limit: {'9' * 60} enqueued tokens")
@example(message=f"Limit: {'9' * 5_000} enqueued tokens")
def test_any_message_teaches_a_limit_that_can_be_kept_or_none(
    label_table: Table, message: str
) -> None:
    assert_plain(capacity.learn_limit(label_table, message, 1_000))
    assert_plain(capacity.read(label_table, 1_001))


@some
@given(until=st.none() | st.integers(0, 10**9) | st.just(10**30))
def test_any_lease_is_taken_or_held(label_table: Table, until: int | None) -> None:
    key = {"PK": "LEASE", "SK": "PROJECTION"}
    label_table.put({**key, **({} if until is None else {"until": until})})
    try:
        with lease(label_table, "PROJECTION", until=2_000, clock=lambda: 1_000):
            pass
    except LeaseHeldError:
        assert until is None or until > 1_000


@some
@given(data=st.data())
@example(data=None)
def test_broken_marks_keep_no_word_waiting(label_table: Table, data: st.DataObject | None) -> None:
    good, bad = LABEL.to_item(), LABEL.model_copy(update={"id": LABEL.id.of_same_word("TIME")})
    item = {**bad.to_item(), "projection": ["b-0"]}
    if data is not None:
        item = data.draw(spoiled(bad.to_item(), item_values))
    label_table.put(good)
    if not put(label_table, item, keys=("PK", "SK", "GSI2PK", "GSI2SK", "GSI3PK", "GSI3SK")):
        return
    found = list(MarkedWords(label_table).untried())
    assert LABEL.id.word in [word.id for word in found]
    retry_missing(label_table)
    label_table.delete({"PK": item["PK"], "SK": item["SK"]})


@some
@given(item=spoiled(RESULT.to_item(), item_values))
@example(item={**RESULT.to_item(), "outcome": ["VALID"]})
def test_a_batch_ends_by_whole_records_alone(label_table: Table, item: Item) -> None:
    summary = SUMMARY.model_copy(update={"target_count": 1, "openai_status": "completed"})
    label_table.put(summary.to_item())
    ours = {**item, **summary.key, "SK": RESULT.to_item()["SK"]}
    if put(label_table, ours):
        with OnlyOurErrors():
            finish(label_table, batch_id=summary.batch_id, now=1)
            assert ours["outcome"] in list(Outcome)


@pytest.fixture
def desk(label_table: Table, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn) -> Desk:
    return Desk(table=label_table, bucket=bucket, jobs=jobs, standin=standin)


@few
@given(data=st.data())
def test_a_broken_label_or_receipt_keeps_no_other_from_being_asked_about(
    desk: Desk, data: st.DataObject
) -> None:
    number = data.draw(st.integers(1_000, 10**9), label="a receipt that nobody has seen")
    desk.put(receipt(number), label(number))
    kinds = [receipt(1).to_item(), label(1).to_item()]
    for good in kinds:
        put(desk.table, good)
    item = data.draw(st.sampled_from(kinds).flatmap(lambda good: spoiled(good, item_values)))
    put(desk.table, item, keys=tuple(key for key in item if key.endswith(("PK", "SK"))))

    desk.submit()

    name = label(number).id
    [asked] = [each for each in desk.labels(ValidationStatus.PENDING) if each.id == name]
    assert asked.batch_id


LIMITS = PollLimits(max_batches=200, validating_timeout_seconds=300)


@few
@given(data=st.data())
def test_a_broken_batch_keeps_no_other_from_being_collected(
    label_table: Table,
    bucket: Bucket,
    jobs: BatchJobs,
    standin: OpenAIStandIn,
    data: st.DataObject,
) -> None:
    batches = PendingBatches(table=label_table, bucket=bucket, jobs=jobs, standin=standin)
    good, bad = batches.begin(), batches.begin()
    item = data.draw(spoiled(bad.to_item(), item_values))
    put(label_table, item, keys=("PK", "SK", "GSI1PK", "GSI1SK"))

    found = batches_to_collect(label_table, jobs, limits=LIMITS, now=2_000_000_000)

    assert good.batch_id in [batch.batch_id for batch in found]
    for summary in (good, bad):
        label_table.delete(summary.key)


@pytest.mark.parametrize("broken", [{"batch_id": "x" * 300}, {"openai_batch_id": "../files"}])
def test_a_name_that_is_none_is_asked_for_nowhere(
    label_table: Table,
    bucket: Bucket,
    jobs: BatchJobs,
    standin: OpenAIStandIn,
    broken: dict[str, str],
) -> None:
    batches = PendingBatches(table=label_table, bucket=bucket, jobs=jobs, standin=standin)
    good = batches.begin()
    label_table.put(good.model_copy(update={"batch_id": "b-2", **broken}).to_item())
    standin.calls.clear()

    found = batches_to_collect(label_table, jobs, limits=LIMITS, now=2_000_000_000)

    assert [batch.batch_id for batch in found] == [good.batch_id]
    assert standin.calls.count("batches.retrieve") == 1


def test_a_label_of_no_batchs_name_keeps_no_orphan_waiting(desk: Desk) -> None:
    orphan = label(8, validation_status=ValidationStatus.PENDING, batch_id="gone")
    broken = label(7, validation_status=ValidationStatus.PENDING, batch_id="b-2").to_item()
    desk.put(orphan)
    desk.table.put({**broken, "batch_id": "x" * 3_000})

    desk.reconcile()

    assert [each.id for each in desk.labels(ValidationStatus.NONE)] == [orphan.id]


@few
@given(data=st.data())
@example(data=None)
def test_a_broken_batch_or_label_keeps_no_other_from_being_mended(
    desk: Desk, data: st.DataObject | None
) -> None:
    broken = SUMMARY.model_copy(
        update={"status": BatchStatus.SUBMITTING, "batch_id": "b-2", "submitted_at": "yesterday"}
    ).to_item()
    if data is not None:
        kinds = [broken, label(7, validation_status=ValidationStatus.PENDING).to_item()]
        item = st.sampled_from(kinds).flatmap(lambda good: spoiled(good, item_values))
        broken = data.draw(item)
    put(desk.table, broken, keys=tuple(key for key in broken if key.endswith(("PK", "SK"))))
    orphan = label(8, validation_status=ValidationStatus.PENDING, batch_id="gone")
    desk.put(orphan)

    with OnlyOurErrors():
        Reconciler(
            desk.table, desk.bucket, desk.jobs, now=desk.clock() + AFTER_THE_LEASE
        ).reconcile()

    assert orphan.id in [each.id for each in desk.labels(ValidationStatus.NONE)]
    desk.table.delete(orphan.id.key)


Line = Callable[[bytes], object]
LINES: Mapping[str, tuple[Line, Any]] = {
    "targets": (
        Request.from_line,
        {"customId": f"IMAGE#{OTHER}#RECEIPT#00001", "targets": [[1, 1, "DATE"]]},
    ),
    "entries": (
        Entry.from_line,
        {
            "customId": f"IMAGE#{OTHER}#RECEIPT#00001",
            "targets": [[1, 1, "DATE"]],
            "line": 0,
            "reason": None,
            "countsAttempt": True,
            "needsReview": False,
        },
    ),
}


@pytest.mark.parametrize("kind", LINES)
def test_a_line_of_a_batchs_objects_without_one_of_its_parts_is_refused(kind: str) -> None:
    read, good = LINES[kind]
    read(to_line(good))
    for value in each_part_missing(good):
        if len(value.get("targets", [None])) == 0:  # a request of no target is no use, but one
            continue
        with pytest.raises(InvalidItemError):
            read(to_line(value))


@pytest.mark.parametrize("kind", LINES)
@some
@given(data=st.data())
def test_any_line_of_a_batchs_objects_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    read, good = LINES[kind]
    lines = spoiled(good).map(to_line) | json_values.map(to_line) | st.binary(max_size=20)
    with OnlyOurErrors():
        assert_plain(read(data.draw(lines)))


def to_line(value: Any) -> bytes:

    return json.dumps(value).encode()


def test_a_broken_targets_object_keeps_no_other_batch_waiting(desk: Desk) -> None:
    overdue = [
        SUMMARY.model_copy(
            update={
                "status": BatchStatus.SUBMITTING,
                "batch_id": name,
                "targets_key": targets_key(name),
            }
        )
        for name in ("b-1", "b-2")
    ]
    desk.put(*overdue)
    for summary, content in zip(overdue, (b"no line\n", b""), strict=True):
        desk.bucket.put(summary.targets_key, content)

    with pytest.raises(InvalidItemError, match="targets"):
        Reconciler(desk.table, desk.bucket, desk.jobs, now=desk.clock()).reconcile()

    assert all(summary.released_at for summary in desk.summaries())
