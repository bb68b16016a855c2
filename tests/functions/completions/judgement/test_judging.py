"""What becomes of a word's labels: each rule, and that neither order nor retries matter."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import LabelId
from functions.completions.judgement.judging import Judgement, judge
from functions.completions.judgement.line_answers import Answer
from functions.completions.labels import LabelledReceipt
from functions.completions.verdicts import Verdict
from functions.completions.vocabulary import CoreLabel, Outcome, ValidationStatus
from tests.functions.completions.judgement.answered_batches import (
    BATCH,
    EARLIER,
    MAX_ATTEMPTS,
    held,
    judged,
)
from tests.functions.completions.judgement.answered_lines import RECEIPT, target

DATE, TIME, TAX, TIP = (target(1, label) for label in ("DATE", "TIME", "TAX", "TIP"))
NONE, PENDING, VALID, INVALID, NEEDS_REVIEW = ValidationStatus
JUDGED = (VALID, INVALID, NEEDS_REVIEW)


def valid(about: LabelId) -> Answer:
    return Answer(
        target=about, verdict=Verdict(id=about.target_id, is_valid=True, correct_label=None)
    )


def invalid(about: LabelId, suggested: str | None = None) -> Answer:
    correct = CoreLabel(suggested) if suggested else None
    verdict = Verdict(id=about.target_id, is_valid=False, correct_label=correct)
    return Answer(target=about, verdict=verdict)


def judgements(
    labels: Sequence[ReceiptWordLabel], *answers: Answer, taken: Sequence[LabelId] = ()
) -> list[Judgement]:
    receipt = LabelledReceipt(id=RECEIPT, receipt=None, labels={one.id: one for one in labels})
    words = judge(receipt, answers, batch_id=BATCH, max_attempts=MAX_ATTEMPTS, taken=taken)
    return [judgement for word in words for judgement in word]


def the_judgement(labels: Sequence[ReceiptWordLabel], answer: Answer) -> Judgement:
    [judgement] = judgements(labels, answer)
    return judgement


def test_a_label_called_valid_is_valid() -> None:
    found = the_judgement([held(DATE, attempts=1)], valid(DATE))

    assert (found.status, found.outcome, found.attempts) == (VALID, Outcome.VALID, 1)
    assert (found.reason, found.correction) == (None, None)


def test_a_label_called_invalid_is_invalid_and_its_correction_is_proposed() -> None:
    found = the_judgement([held(DATE)], invalid(DATE, "TIME"))

    assert (found.status, found.outcome, found.correction) == (INVALID, Outcome.INVALID, TIME)


def test_a_label_called_invalid_without_a_suggestion_proposes_nothing() -> None:
    found = the_judgement([held(DATE)], invalid(DATE))

    assert (found.status, found.correction) == (INVALID, None)


def test_a_second_invalid_label_of_a_word_is_for_a_person() -> None:
    for by in (EARLIER, None):
        found = the_judgement([held(DATE), judged(TAX, INVALID, by=by)], invalid(DATE, "TIME"))

        assert (found.status, found.outcome) == (NEEDS_REVIEW, Outcome.NEEDS_REVIEW)
        assert found.correction == TIME
        assert found.reason == "TAX was called invalid for this word before"


def test_what_is_invalid_at_another_word_does_not_matter() -> None:
    found = the_judgement([held(DATE), judged(target(2, "TAX"), INVALID)], invalid(DATE))

    assert found.status == INVALID


def test_what_the_same_batch_called_invalid_does_not_matter() -> None:
    found = the_judgement([held(DATE), judged(TAX, INVALID, by=BATCH)], invalid(DATE))

    assert found.status == INVALID


def test_a_label_suggested_in_its_own_place_is_for_a_person() -> None:
    found = the_judgement([held(DATE)], invalid(DATE, "DATE"))

    assert (found.status, found.correction) == (NEEDS_REVIEW, None)
    assert found.reason == "the label suggested in its place is the label itself"


@pytest.mark.parametrize("status", JUDGED)
def test_a_suggestion_that_was_judged_before_is_for_a_person(status: ValidationStatus) -> None:
    found = the_judgement([held(DATE), judged(TIME, status)], invalid(DATE, "TIME"))

    assert (found.status, found.correction) == (NEEDS_REVIEW, None)
    assert found.reason == f"TIME, suggested in its place, is {status} already"


@pytest.mark.parametrize(
    "standing",
    [
        judged(TIME, NONE, by=None),
        judged(TIME, PENDING),
        held(TIME),
        *(judged(TIME, status, by=BATCH) for status in JUDGED),
    ],
)
def test_a_suggestion_that_is_there_already_is_not_proposed_again(
    standing: ReceiptWordLabel,
) -> None:
    found = the_judgement([held(DATE), standing], invalid(DATE, "TIME"))

    assert (found.status, found.correction) == (INVALID, None)


def test_a_suggestion_that_is_there_and_cannot_be_read_is_not_proposed() -> None:
    [found] = judgements([held(DATE)], invalid(DATE, "TIME"), taken=[TIME])

    assert (found.status, found.correction) == (INVALID, None)


def test_of_two_labels_with_the_same_correction_the_first_by_name_proposes_it() -> None:
    labels = [held(TIP), held(TAX), held(DATE)]
    for answers in permutations([invalid(TIP, "TIME"), invalid(TAX, "TIME"), invalid(DATE)]):
        found = judgements(labels, *answers)

        assert [(one.label.id, one.status, one.correction) for one in found] == [
            (DATE, INVALID, None),
            (TAX, INVALID, TIME),
            (TIP, INVALID, None),
        ]


def test_a_label_without_a_verdict_is_asked_about_again() -> None:
    found = the_judgement([held(DATE, attempts=1)], Answer(target=DATE, reason="not answered"))

    assert (found.status, found.outcome) == (NONE, Outcome.UNANSWERED)
    assert (found.attempts, found.reason) == (2, "not answered")


def test_a_label_asked_about_often_enough_is_for_a_person() -> None:
    last = held(DATE, attempts=MAX_ATTEMPTS - 1)
    found = the_judgement([last], Answer(target=DATE, reason="not answered"))

    assert (found.status, found.outcome) == (NEEDS_REVIEW, Outcome.NEEDS_REVIEW)
    assert (found.attempts, found.reason) == (MAX_ATTEMPTS, "not answered")


@pytest.mark.parametrize("attempts", [0, MAX_ATTEMPTS - 1, MAX_ATTEMPTS])
def test_a_question_that_was_not_asked_in_vain_counts_nothing(attempts: int) -> None:
    before = held(DATE, attempts=attempts)
    found = the_judgement([before], Answer(target=DATE, reason="full", counts_attempt=False))

    assert (found.status, found.attempts) == (NONE, attempts)


def test_a_question_that_would_be_refused_again_is_for_a_person_at_once() -> None:
    found = the_judgement([held(DATE)], Answer(target=DATE, reason="bad", needs_review=True))

    assert (found.status, found.attempts) == (NEEDS_REVIEW, 1)


@pytest.mark.parametrize(
    "standing",
    [
        *(judged(DATE, status, by=by) for status in ValidationStatus for by in (EARLIER, None)),
        *(judged(DATE, status, by=BATCH) for status in (NONE, *JUDGED)),
    ],
)
def test_a_label_that_the_batch_does_not_hold_is_left_alone(standing: ReceiptWordLabel) -> None:
    for answer in (valid(DATE), invalid(DATE, "TIME"), Answer(target=DATE, reason="none")):
        assert judgements([standing], answer) == []
        assert judgements([], answer) == []


LABELS = ("DATE", "TIME", "TAX", "TIP")


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[ReceiptWordLabel], list[Answer]]:
    """Labels of a word or two, and answers about those that the batch holds."""
    labels, answers = [], []
    for about in (target(word, name) for word in (1, 2) for name in LABELS):
        standing = draw(st.sampled_from(["missing", "held", "held", *JUDGED, NONE, PENDING]))
        if standing == "held":
            labels.append(held(about, attempts=draw(st.integers(0, 2))))
            suggested = draw(st.sampled_from([None, *LABELS, "CHANGE"]))
            said = [valid(about), invalid(about, suggested), Answer(target=about, reason="none")]
            answers.append(draw(st.sampled_from(said)))
        elif standing != "missing":
            labels.append(judged(about, ValidationStatus(standing)))
    return labels, answers


def after(
    labels: Sequence[ReceiptWordLabel], written: Sequence[Judgement]
) -> list[ReceiptWordLabel]:
    """The labels when some judgements have been written."""
    standing = {one.id: one for one in labels}
    for judgement in written:
        id_, waits = judgement.label.id, judgement.status == NONE
        change = {"validation_status": judgement.status, "attempts": judgement.attempts}
        standing[id_] = standing[id_].model_copy(
            update=change | {"batch_id": None if waits else BATCH}
        )
        if judgement.correction:
            assert judgement.correction not in standing
            standing[judgement.correction] = judged(judgement.correction, NONE, by=None)
    return list(standing.values())


@given(case=cases(), data=st.data())
def test_neither_the_order_nor_what_is_written_already_matters(
    case: tuple[list[ReceiptWordLabel], list[Answer]], data: st.DataObject
) -> None:
    labels, answers = case
    in_order = judgements(labels, *answers)

    shuffled = data.draw(st.permutations(answers))
    assert judgements(data.draw(st.permutations(labels)), *shuffled) == in_order

    words = sorted({one.label.id.word for one in in_order})
    written = data.draw(st.sets(st.sampled_from(words))) if words else set()
    done = [one for one in in_order if one.label.id.word in written]
    left = [one for one in in_order if one.label.id.word not in written]
    assert judgements(after(labels, done), *shuffled) == left


@given(case=cases())
def test_corrections_are_new_and_all_different(
    case: tuple[list[ReceiptWordLabel], list[Answer]],
) -> None:
    labels, answers = case
    found = judgements(labels, *answers)
    corrections = [one.correction for one in found if one.correction]

    assert {one.label.id for one in found} == {answer.target for answer in answers}
    assert len(corrections) == len({*corrections})
    assert not {*corrections} & {one.id for one in labels}
