"""A chunk's answers in the table: the labels, their corrections, and the batch's records."""

import pytest

from functions.clients.dynamodb import Table
from functions.clients.s3 import Bucket
from functions.completions.batches import CompletionBatchLine, CompletionBatchResult, summary_key
from functions.completions.chunks import entries_key, lines_key
from functions.completions.entities import ReceiptWordLabel, iso
from functions.completions.judgement.applying import AnsweredChunk
from functions.completions.labels import batch_summary
from functions.completions.messages import ChunkRef
from functions.completions.targets import Request
from functions.completions.vocabulary import Outcome, ValidationStatus
from functions.errors import InvalidItemError
from tests.functions.completions.judgement.answered_batches import (
    BATCH,
    EARLIER,
    MAX_ATTEMPTS,
    NOW,
    Job,
    WatchedTable,
    answer,
    apply,
    collected,
    end,
    held,
    items,
    judged,
    label,
    outcomes,
    put,
    record,
    silence,
    statuses,
)
from tests.functions.completions.judgement.answered_lines import answering, line, result, target
from tests.functions.conftest import LogLines

DATE, TIME, TAX, TIP = (target(1, name) for name in ("DATE", "TIME", "TAX", "TIP"))
NONE, PENDING, VALID, INVALID, NEEDS_REVIEW = ValidationStatus
OTHER_IMAGE = "10000000-1111-4111-8111-111111111111"
KEPT_AT = f"batches/{BATCH}/chunks/00001.jsonl#0"


def test_the_receipt_itself_is_not_read(
    label_table: Table, bucket: Bucket, logged: LogLines
) -> None:
    put(label_table, held(DATE))
    label_table.put({"PK": DATE.key["PK"], "SK": DATE.receipt.key, "lines": "unreadable"})
    collected(label_table, bucket, answer([result(DATE, True)], [DATE]))

    apply(label_table, bucket)

    assert statuses(label_table, DATE) == [(VALID, BATCH)]
    assert [line["message"] for line in logged()] == ["chunk read"]


def test_a_valid_label_keeps_its_batch_and_is_marked_for_projection(
    label_table: Table, bucket: Bucket
) -> None:
    before = held(DATE, attempts=1, reasoning="looks like a date")
    put(label_table, before)
    collected(label_table, bucket, answer([result(DATE, True)], [DATE]))

    apply(label_table, bucket)

    after = before.model_copy(update={"validation_status": VALID, "projection": BATCH})
    assert label_table.get(DATE.key) == after.to_item()
    assert record(label_table, DATE) == CompletionBatchResult(
        batch_id=BATCH,
        id=DATE,
        outcome=Outcome.VALID,
        original_label="DATE",
        is_valid=True,
        model="gpt-test",
        input_tokens=900,
        output_tokens=70,
        attempt=2,
        validated_at=iso(NOW),
        raw_line=KEPT_AT,
    )
    end(label_table)


def test_an_invalid_label_is_rejected_and_its_correction_waits_for_a_batch(
    label_table: Table, bucket: Bucket
) -> None:
    before = held(DATE)
    put(label_table, before)
    collected(label_table, bucket, answer([result(DATE, False, "TIME")], [DATE]))

    apply(label_table, bucket)

    after = before.model_copy(update={"validation_status": INVALID, "projection": BATCH})
    assert label_table.get(DATE.key) == after.to_item()
    correction = ReceiptWordLabel(
        id=TIME,
        timestamp_added=iso(NOW),
        label_proposed_by="COMPLETION_BATCH",
        label_consolidated_from="DATE",
        reasoning=f"Batch {BATCH} called DATE invalid and suggested this label.",
    )
    assert label_table.get(TIME.key) == correction.to_item()
    kept = record(label_table, DATE)
    assert (kept.outcome, kept.is_valid, kept.gpt_suggested_label) == (
        Outcome.INVALID,
        False,
        "TIME",
    )
    end(label_table)


def test_a_label_without_a_verdict_waits_for_another_batch(
    label_table: Table, bucket: Bucket
) -> None:
    before = held(DATE, attempts=1)
    put(label_table, before)
    collected(label_table, bucket, answer([], [DATE]))

    apply(label_table, bucket)

    after = before.model_copy(
        update={"validation_status": NONE, "batch_id": None, "attempts": 2, "projection": None}
    )
    assert label_table.get(DATE.key) == after.to_item()
    kept = record(label_table, DATE)
    assert (kept.outcome, kept.is_valid, kept.reason) == (Outcome.UNANSWERED, None, "not answered")
    assert (kept.attempt, kept.raw_line) == (2, KEPT_AT)
    end(label_table)


def test_a_label_that_nobody_could_judge_is_for_a_person(
    label_table: Table, bucket: Bucket
) -> None:
    put(label_table, held(DATE, attempts=MAX_ATTEMPTS - 1))
    collected(label_table, bucket, answer([], [DATE]))

    apply(label_table, bucket)

    after = label(label_table, DATE)
    assert (after.validation_status, after.batch_id) == (NEEDS_REVIEW, BATCH)
    assert (after.attempts, after.projection) == (MAX_ATTEMPTS, BATCH)
    assert outcomes(label_table, DATE) == [Outcome.NEEDS_REVIEW]
    end(label_table)


def test_a_request_without_a_line_is_told_of_as_collecting_said(
    label_table: Table, bucket: Bucket
) -> None:
    other, third = (target(1, "DATE", image=f"{n * 8}-1111-4111-8111-111111111111") for n in "12")
    put(label_table, held(DATE), held(other), held(third))
    job = silence([DATE])
    job.unanswered += silence([other], reason="full", counts_attempt=False).unanswered
    job.unanswered += silence([third], reason="bad line", needs_review=True).unanswered
    collected(label_table, bucket, job)

    apply(label_table, bucket)

    found = [label(label_table, id_) for id_ in (DATE, other, third)]
    assert [(one.validation_status, one.attempts) for one in found] == [
        (NONE, 1),
        (NONE, 0),
        (NEEDS_REVIEW, 1),
    ]
    kept = [record(label_table, id_) for id_ in (DATE, other, third)]
    assert [one.reason for one in kept] == ["no line", "full", "bad line"]
    assert [one.raw_line for one in kept] == [None, None, None]
    end(label_table)


def test_lines_that_answer_nothing_are_on_record(label_table: Table, bucket: Bucket) -> None:
    put(label_table, held(DATE))
    job = answer([result(DATE, True)], [DATE])
    job.strays = [b"not JSON", line({"custom_id": "another"})]
    collected(label_table, bucket, job)

    for _ in range(2):
        apply(label_table, bucket)

    strays = [item for item in items(label_table) if item["TYPE"] == "COMPLETION_BATCH_LINE"]
    assert strays == [
        CompletionBatchLine(
            batch_id=BATCH,
            chunk="00001",
            line=number,
            reason="nobody asked",
            raw_line=f"batches/{BATCH}/chunks/00001.jsonl#{number}",
        ).to_item()
        for number in (1, 2)
    ]
    assert [item["SK"] for item in strays] == ["LINE#00001#00001", "LINE#00001#00002"]
    end(label_table)


def test_a_line_is_found_again_whatever_is_before_it(label_table: Table, bucket: Bucket) -> None:
    put(label_table, held(DATE), held(other := target(1, image=OTHER_IMAGE)))
    job = answer([result(DATE, True)], [DATE])
    [(request, text)] = job.answered
    job.answered = [(request, text.replace(b', "response"', b',\r"response"'))]
    job.answered += answer([result(other, False)], [other]).answered
    collected(label_table, bucket, job)

    apply(label_table, bucket)

    assert outcomes(label_table, DATE, other) == [Outcome.VALID, Outcome.INVALID]
    assert record(label_table, other).raw_line == KEPT_AT.replace("#0", "#1")


def test_no_label_stays_pending_whatever_was_answered(label_table: Table, bucket: Bucket) -> None:
    images = [f"{n}0000000-1111-4111-8111-111111111111" for n in range(6)]
    about = [target(1, "DATE", image=image) for image in images]
    put(label_table, *(held(one) for one in about))
    lines = [
        answering([result(about[0], "false")]),
        answering([result(about[1].target_id.lower(), True)]),
        line({"error": {"code": "batch_expired", "message": "late"}, "response": None}),
        b"\xff garbled",
        # It answers for a label of another request.
        answering([result(about[5], True)]),
    ]
    job = Job(
        answered=[
            (Request(receipt=one.receipt, targets=[one]), text)
            for one, text in zip(about, lines, strict=False)
        ]
    )
    job.unanswered = silence([about[5]]).unanswered
    collected(label_table, bucket, job)

    apply(label_table, bucket)

    assert statuses(label_table, *about) == [(NONE, None)] * 6
    assert outcomes(label_table, *about) == [Outcome.UNANSWERED] * 6
    end(label_table)


@pytest.mark.parametrize("results", [[result(DATE, True)], [result(DATE, False, "TIME")], []])
@pytest.mark.parametrize(
    "standing",
    [
        judged(DATE, VALID, by=None),
        judged(DATE, VALID, by=BATCH),
        judged(DATE, NONE, by=None),
        held(DATE, batch_id=EARLIER),
        None,
    ],
)
def test_a_label_that_somebody_else_changed_is_left_alone(
    label_table: Table,
    bucket: Bucket,
    standing: ReceiptWordLabel | None,
    results: list[dict[str, object]],
) -> None:
    if standing:
        put(label_table, standing)
    collected(label_table, bucket, answer(results, [DATE]))

    apply(label_table, bucket)

    assert label_table.get(DATE.key) == (standing.to_item() if standing else None)
    assert label_table.get(TIME.key) is None
    kept = record(label_table, DATE)
    assert (kept.outcome, kept.attempt) == (Outcome.SUPERSEDED, 1)
    assert kept.reason == (
        "not answered" if not results else "the label no longer waited for this batch"
    )
    end(label_table)


def test_a_label_whose_item_is_broken_is_left_alone(label_table: Table, bucket: Bucket) -> None:
    broken = held(DATE).to_item() | {"attempts": "many"}
    label_table.put(broken)
    put(label_table, held(TIME))
    collected(label_table, bucket, answer([result(DATE, True), result(TIME, True)], [DATE, TIME]))

    apply(label_table, bucket)

    assert label_table.get(DATE.key) == broken
    assert outcomes(label_table, DATE, TIME) == [Outcome.SUPERSEDED, Outcome.VALID]
    end(label_table)


def test_a_label_whose_item_was_mended_is_judged_after_all(
    label_table: Table, bucket: Bucket
) -> None:
    label_table.put(held(DATE).to_item() | {"attempts": "many"})
    collected(label_table, bucket, answer([result(DATE, True)], [DATE]))
    apply(label_table, bucket)
    put(label_table, held(DATE))

    apply(label_table, bucket)

    assert statuses(label_table, DATE) == [(VALID, BATCH)]
    assert outcomes(label_table, DATE) == [Outcome.VALID]
    end(label_table)


def test_two_labels_that_correct_each_other_do_not_go_round(
    label_table: Table, bucket: Bucket
) -> None:
    put(label_table, held(DATE, batch_id=EARLIER))
    job = answer([result(DATE, False, "TIME")], [DATE])
    collected(label_table, bucket, job, batch_id=EARLIER)
    apply(label_table, bucket, ChunkRef(batch_id=EARLIER, chunk="00001"))
    assert statuses(label_table, DATE, TIME) == [(INVALID, EARLIER), (NONE, None)]

    put(label_table, held(TIME))
    collected(label_table, bucket, answer([result(TIME, False, "DATE")], [TIME]))
    apply(label_table, bucket)

    assert statuses(label_table, DATE, TIME) == [(INVALID, EARLIER), (NEEDS_REVIEW, BATCH)]
    waiting = [item for item in items(label_table) if item.get("validation_status") == NONE]
    assert waiting == []


def test_a_valid_label_is_never_overwritten(label_table: Table, bucket: Bucket) -> None:
    person = judged(TIME, VALID, by=None)
    put(label_table, held(DATE), person)
    collected(label_table, bucket, answer([result(DATE, False, "TIME")], [DATE]))

    apply(label_table, bucket)

    assert label_table.get(TIME.key) == person.to_item()
    assert statuses(label_table, DATE) == [(NEEDS_REVIEW, BATCH)]
    assert record(label_table, DATE).reason == "TIME, suggested in its place, is VALID already"


def test_what_a_job_answered_comes_as_labels_and_results(
    label_table: Table, bucket: Bucket
) -> None:
    labels = [held(one) for one in (DATE, TIME, TAX)]
    put(label_table, *labels, judged(TIP, VALID, by=None))
    about = [DATE, TIME, TAX, TIP]
    collected(label_table, bucket, answer([result(DATE, True), result(TIME, False)], about))
    summary = batch_summary(label_table, BATCH)
    assert summary
    chunk = AnsweredChunk(
        summary,
        "00001",
        table=label_table,
        bucket=bucket,
        max_attempts=MAX_ATTEMPTS,
        clock=lambda: NOW,
    )

    pending, valid, invalid = chunk.download_openai_batch_result()

    assert pending == [held(TAX)]
    assert [(one.label, one.answer.target) for one in valid] == [(held(DATE), DATE)]
    assert [(one.label, one.answer.target) for one in invalid] == [(held(TIME), TIME)]

    chunk.update_pending_labels(pending)
    assert statuses(label_table, DATE, TIME, TAX) == [
        (PENDING, BATCH),
        (PENDING, BATCH),
        (NONE, None),
    ]
    chunk.update_valid_labels(valid)
    assert statuses(label_table, DATE, TIME) == [(VALID, BATCH), (PENDING, BATCH)]
    chunk.update_invalid_labels(invalid)
    assert statuses(label_table, TIME) == [(INVALID, BATCH)]
    chunk.write_completion_batch_results(valid, invalid)
    assert outcomes(label_table, *about) == [
        Outcome.VALID,
        Outcome.INVALID,
        Outcome.UNANSWERED,
        Outcome.SUPERSEDED,
    ]


def test_a_batch_at_its_end_is_not_applied_again(label_table: Table, bucket: Bucket) -> None:
    put(label_table, held(DATE))
    collected(label_table, bucket, answer([result(DATE, True)], [DATE]))
    apply(label_table, bucket)
    end(label_table)
    ended = items(label_table)
    bucket._client.delete_object(Bucket=bucket.name, Key=lines_key(BATCH, "00001"))

    apply(label_table, bucket)

    assert items(label_table) == ended


def test_what_is_not_there_is_an_error(label_table: Table, bucket: Bucket) -> None:
    with pytest.raises(InvalidItemError, match=f"there is no batch {BATCH}"):
        apply(label_table, bucket)

    collected(label_table, bucket, answer([], [DATE]))
    for key in (entries_key(BATCH, "00001"), lines_key(BATCH, "00001")):
        bucket._client.delete_object(Bucket=bucket.name, Key=key)
        with pytest.raises(InvalidItemError, match=f"{key} is not in the bucket {bucket.name}"):
            apply(label_table, bucket)

    label_table.update(summary_key(BATCH), {"status": "LOST"})
    with pytest.raises(InvalidItemError, match="is no BatchSummary"):
        apply(label_table, bucket)


def test_many_judgements_are_one_call(label_table: Table, bucket: Bucket) -> None:
    about = [target(word, "DATE") for word in range(1, 101)]
    put(label_table, *(held(one) for one in about))
    results = [result(one, n % 2 == 0, "TIME" if n % 2 else None) for n, one in enumerate(about)]
    collected(label_table, bucket, answer(results, about))
    table = WatchedTable(label_table)

    apply(table, bucket)

    # Fifty valid ones of two actions, and fifty invalid ones of three.
    assert sorted(table.writes) == [51, 99, 100]
    assert table.queries == 1
    assert outcomes(label_table, *about[:2]) == [Outcome.VALID, Outcome.INVALID]
    end(label_table)


def test_receipts_are_read_once_each(label_table: Table, bucket: Bucket) -> None:
    images = [f"{n:08d}-1111-4111-8111-111111111111" for n in range(20)]
    about = [target(1, image=image) for image in images]
    put(label_table, *(held(one) for one in about))
    job = Job()
    for one in about:
        job.answered += answer([result(one, True)], [one]).answered
    collected(label_table, bucket, job)
    table = WatchedTable(label_table)

    apply(table, bucket)

    assert (table.queries, table.writes) == (20, [40])


def test_more_labels_of_a_word_than_fit_into_a_call(label_table: Table, bucket: Bucket) -> None:
    about = [target(1, f"CUSTOM_{a}{b}") for a in "ABCDEF" for b in "ABCDEFG"]
    put(label_table, *(held(one) for one in about))
    results = [result(one, False, "DATE" if n < 30 else "TIME") for n, one in enumerate(about)]
    collected(label_table, bucket, answer(results, about))

    apply(label_table, bucket)

    assert statuses(label_table, *about) == [(INVALID, BATCH)] * 42
    assert label(label_table, DATE).label_consolidated_from == "CUSTOM_AA"
    assert label(label_table, TIME).label_consolidated_from == "CUSTOM_EC"
    end(label_table)


def test_applying_again_changes_nothing(label_table: Table, bucket: Bucket) -> None:
    about = [DATE, TIME, TAX, TIP]
    put(label_table, *(held(one) for one in about[:3]), judged(TIP, VALID, by=None))
    collected(label_table, bucket, answer([result(DATE, True), result(TIME, False, "TIP")], about))
    apply(label_table, bucket)
    applied = items(label_table)
    table = WatchedTable(label_table)

    apply(table, bucket)

    assert items(label_table) == applied
    assert (table.queries, table.writes) == (1, [4])


def test_applying_again_leaves_alone_what_another_batch_holds_meanwhile(
    label_table: Table, bucket: Bucket
) -> None:
    put(label_table, held(DATE))
    collected(label_table, bucket, answer([], [DATE]))
    apply(label_table, bucket)
    claimed = held(DATE, batch_id="a-later-batch", attempts=1)
    put(label_table, claimed)

    apply(label_table, bucket)

    assert label(label_table, DATE) == claimed
    assert outcomes(label_table, DATE) == [Outcome.UNANSWERED]
