"""Each invariant of the labels sees what it is there to see."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from functions.completions.vocabulary import ValidationStatus
from tests.faults import label_invariants as invariants
from tests.faults.label_invariants import End, Found, FoundJob, Invariant
from tests.functions.completions.submission.submissions import label

ASKED, OTHER = label(1), label(1, name="WEBSITE")
NAME = ASKED.id.text
WORD = ASKED.id.word.vector_id
RECEIPT = ASKED.id.receipt.custom_id
SHOWN = {"valid_labels": ["MERCHANT_NAME"], "invalid_labels": [], "proposed_label": ""}


def item(status: str = "VALID", **more: Any) -> dict[str, Any]:
    standing = {"validation_status": ValidationStatus(status), "batch_id": "b1"}
    return {**ASKED.model_copy(update=standing).to_item(), **more}


def batch(**more: Any) -> dict[str, Any]:
    return {
        "batch_id": "b1",
        "status": "COMPLETED",
        "openai_batch_id": "job1",
        "prompt_tokens": 10,
        "target_count": 1,
        "outcomes": {"VALID": 1, "INVALID": 0},
        **more,
    }


def record(**more: Any) -> dict[str, Any]:
    return {
        "PK": "BATCH#b1",
        "SK": f"RESULT#{NAME}",
        "outcome": "VALID",
        "is_valid": True,
        "raw_line": "batches/b1/chunks/00001.jsonl#0",
        **more,
    }


IN_VAIN: Mapping[str, Any] = {"outcome": "UNANSWERED", "is_valid": None, "reason": "not answered"}
JOB = FoundJob(
    id="job1", status="completed", batch_id="b1", targets=[NAME], answered=frozenset({RECEIPT})
)
WHOLE = Found(
    labels={NAME: item()},
    batches={"b1": batch()},
    records=[record()],
    jobs=[JOB],
    vectors={WORD: SHOWN},
    files={"file-1": 3600},
)


def in_vain(*records: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [
        {key: value for key, value in {**record(**IN_VAIN), **each}.items() if value is not None}
        for each in records
    ]


VIOLATIONS: Sequence[tuple[Invariant, Found]] = (
    (
        invariants.pending_labels_have_a_live_batch,
        replace(WHOLE, labels={NAME: item("PENDING")}),
    ),
    (
        invariants.pending_labels_have_a_live_batch,
        replace(WHOLE, labels={NAME: item("PENDING", batch_id="b2")}),
    ),
    (
        invariants.pending_labels_have_a_live_batch,
        replace(
            WHOLE,
            labels={NAME: item("PENDING")},
            batches={"b1": batch(status="SUBMITTING", released_at=1)},
        ),
    ),
    (
        invariants.no_label_is_held_by_two_jobs,
        replace(
            WHOLE, jobs=[replace(JOB, status="in_progress"), replace(JOB, status="validating")]
        ),
    ),
    (
        invariants.nothing_paid_for_goes_uncollected,
        replace(WHOLE, jobs=[JOB, replace(JOB, id="job2")]),
    ),
    (
        invariants.nothing_paid_for_goes_uncollected,
        replace(WHOLE, batches={"b1": batch(status="PENDING")}),
    ),
    (invariants.nothing_paid_for_goes_uncollected, replace(WHOLE, records=[])),
    (
        invariants.nothing_paid_for_goes_uncollected,
        replace(WHOLE, jobs=[JOB, replace(JOB, id="job2", status="in_progress", targets=[])]),
    ),
    (invariants.every_target_has_one_record, replace(WHOLE, records=[])),
    (invariants.every_target_has_one_record, replace(WHOLE, records=[record(), record()])),
    (
        invariants.every_target_has_one_record,
        replace(WHOLE, records=[record(), record(SK=f"RESULT#{OTHER.id.text}")]),
    ),
    (
        invariants.every_target_has_one_record,
        replace(WHOLE, batches={"b1": batch(outcomes={"INVALID": 1})}),
    ),
    (
        invariants.every_target_has_one_record,
        replace(WHOLE, records=[record(), record(PK="BATCH#b2")]),
    ),
    (invariants.every_judgement_has_its_record, replace(WHOLE, records=[])),
    (invariants.every_judgement_has_its_record, replace(WHOLE, labels={NAME: item("INVALID")})),
    (invariants.attempts_are_counted_once, replace(WHOLE, records=in_vain({}))),
    (
        invariants.attempts_are_counted_once,
        replace(WHOLE, labels={NAME: item(attempts=2)}, records=in_vain({})),
    ),
    (
        invariants.attempts_are_counted_once,
        replace(
            WHOLE,
            labels={NAME: item(attempts=1)},
            records=in_vain({"reason": "token_limit_exceeded: later"}),
        ),
    ),
    (invariants.tokens_add_up, replace(WHOLE, tokens=10)),
    (invariants.tokens_add_up, replace(WHOLE, batches={"b1": batch(status="PENDING")})),
    (invariants.vectors_show_the_table, replace(WHOLE, labels={NAME: item("INVALID")})),
    (invariants.vectors_show_the_table, replace(WHOLE, vectors={WORD: {}})),
    (invariants.everything_is_at_rest, replace(WHOLE, labels={NAME: item("NONE")})),
    (invariants.everything_is_at_rest, replace(WHOLE, labels={NAME: item("PENDING")})),
    (
        invariants.everything_is_at_rest,
        replace(WHOLE, labels={NAME: item(GSI2PK="UNPROJECTED#0")}, vectors={}),
    ),
    (
        invariants.everything_is_at_rest,
        replace(WHOLE, labels={NAME: item(GSI2PK="VECTOR_MISSING#0")}),
    ),
    (
        invariants.everything_is_at_rest,
        replace(WHOLE, batches={"b1": batch(status="SUBMITTING", released_at=1)}),
    ),
    (invariants.nothing_is_in_the_dead_letters, replace(WHOLE, letters=["labels-submit"])),
    (invariants.files_end_by_themselves, replace(WHOLE, files={"file-1": None})),
    (invariants.files_end_by_themselves, replace(WHOLE, files={"file-1": 31 * 86_400})),
    (invariants.ends_as({}), WHOLE),
    (invariants.ends_as({ASKED.id: End("VALID"), OTHER.id: End("NONE", asked=0)}), WHOLE),
    (invariants.ends_as({ASKED.id: End("INVALID")}), WHOLE),
    (invariants.ends_as({ASKED.id: End("VALID", attempts=1)}), WHOLE),
    (invariants.ends_as({ASKED.id: End("VALID", asked=2)}), WHOLE),
    (invariants.keeps({NAME: item("VALID")}), replace(WHOLE, labels={NAME: item("INVALID")})),
    (invariants.keeps({NAME: item("VALID")}), replace(WHOLE, labels={})),
)


@pytest.mark.parametrize(
    ("invariant", "found"), VIOLATIONS, ids=lambda each: getattr(each, "__name__", "")
)
def test_an_invariant_sees_its_violation(invariant: Invariant, found: Found) -> None:
    with pytest.raises(AssertionError):
        invariants.require(found, [invariant])


def test_nothing_is_said_of_what_is_whole() -> None:
    ends = invariants.ends_as({ASKED.id: End("VALID")})
    kept = invariants.keeps({NAME: item()})

    invariants.require(
        WHOLE, [*invariants.AT_REST, invariants.nothing_is_in_the_dead_letters, ends, kept]
    )


def test_every_invariant_has_a_violation() -> None:
    tried = {invariant for invariant, _ in VIOLATIONS}

    assert {*invariants.AT_REST, invariants.nothing_is_in_the_dead_letters} <= tried


def test_a_job_that_is_being_cancelled_holds_nothing() -> None:
    found = replace(
        WHOLE, jobs=[replace(JOB, status="in_progress"), replace(JOB, status="cancelling")]
    )

    invariants.require(found, [invariants.no_label_is_held_by_two_jobs])
