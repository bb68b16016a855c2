"""Deciding what becomes of a word's labels after a batch has answered about some of them.

It depends on nothing but how the labels stand: not on the order of the answers, nor on what of the
same batch has been written already.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import LabelId, WordId
from functions.completions.judgement.line_answers import Answer
from functions.completions.labels import LabelledReceipt
from functions.completions.verdicts import Verdict
from functions.completions.vocabulary import Outcome, ValidationStatus

_JUDGED = (ValidationStatus.VALID, ValidationStatus.INVALID, ValidationStatus.NEEDS_REVIEW)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What becomes of one label that the batch holds."""

    label: ReceiptWordLabel
    """As it was read."""
    answer: Answer
    status: ValidationStatus
    attempts: int
    reason: str | None = None
    """Why there was no verdict, or why it was not followed."""
    correction: LabelId | None = None
    """A label to be proposed in its place."""

    @property
    def outcome(self) -> Outcome:
        """The same for the record of the batch."""
        if self.status == ValidationStatus.NONE:
            return Outcome.UNANSWERED
        return Outcome(self.status)


def is_held(label: ReceiptWordLabel, batch_id: str) -> bool:
    """Whether the label waits for this batch's verdict."""
    return label.validation_status == ValidationStatus.PENDING and label.batch_id == batch_id


def judge(
    receipt: LabelledReceipt,
    answers: Iterable[Answer],
    *,
    batch_id: str,
    max_attempts: int,
    taken: Collection[LabelId] = (),
) -> list[list[Judgement]]:
    """Judge those labels of a receipt that the batch holds, in a list for each word.

    A word's judgements belong together: they settle which label a correction is for. ``taken``
    names labels that are there, though they could not be read.
    """
    words: dict[WordId, list[Answer]] = defaultdict(list)
    for answer in answers:
        label = receipt.labels.get(answer.target)
        if label is not None and is_held(label, batch_id):
            words[answer.target.word].append(answer)
    standing: dict[WordId, dict[LabelId, ReceiptWordLabel]] = defaultdict(dict)
    for id_, label in receipt.labels.items():
        standing[id_.word][id_] = label
    return [_judge_word(standing[word], words[word], max_attempts, taken) for word in sorted(words)]


def _judge_word(
    standing: Mapping[LabelId, ReceiptWordLabel],
    answers: Iterable[Answer],
    max_attempts: int,
    taken: Collection[LabelId],
) -> list[Judgement]:
    unavailable = {*standing, *taken}
    judgements = []
    # Of two labels for which the same correction is suggested, it replaces the first by name.
    for answer in sorted(answers, key=lambda answer: answer.target):
        label = standing[answer.target]
        if answer.verdict is None:
            judgement = _unanswered(label, answer, max_attempts)
        elif answer.verdict.is_valid:
            judgement = Judgement(
                label=label,
                answer=answer,
                status=ValidationStatus.VALID,
                attempts=label.attempts,
            )
        else:
            judgement = _invalid(label, answer, answer.verdict, standing, unavailable)
        if judgement.correction:
            unavailable.add(judgement.correction)
        judgements.append(judgement)
    return judgements


def _invalid(
    label: ReceiptWordLabel,
    answer: Answer,
    verdict: Verdict,
    standing: Mapping[LabelId, ReceiptWordLabel],
    unavailable: Collection[LabelId],
) -> Judgement:
    suggested = verdict.correct_label
    correction = label.id.of_same_word(suggested) if suggested else None
    # What this same batch judged does not count: some of it may be written and some not.
    others = {
        id_: other.validation_status
        for id_, other in standing.items()
        if other.batch_id != label.batch_id
    }
    rejected = sorted(id_ for id_, status in others.items() if status == ValidationStatus.INVALID)
    doubt = None
    if correction == label.id:
        doubt = "the label suggested in its place is the label itself"
    elif correction in others and others[correction] in _JUDGED:
        doubt = f"{suggested}, suggested in its place, is {others[correction]} already"
    elif rejected:
        doubt = f"{rejected[0].label} was called invalid for this word before"
    return Judgement(
        label=label,
        answer=answer,
        status=ValidationStatus.NEEDS_REVIEW if doubt else ValidationStatus.INVALID,
        attempts=label.attempts,
        reason=doubt,
        # A label of the word that is there stays as it is, a VALID one above all.
        correction=None if correction in unavailable else correction,
    )


def _unanswered(label: ReceiptWordLabel, answer: Answer, max_attempts: int) -> Judgement:
    attempts = label.attempts + answer.counts_attempt
    spent = answer.counts_attempt and attempts >= max_attempts
    review = answer.needs_review or spent
    return Judgement(
        label=label,
        answer=answer,
        status=ValidationStatus.NEEDS_REVIEW if review else ValidationStatus.NONE,
        attempts=attempts,
        reason=answer.reason,
    )
