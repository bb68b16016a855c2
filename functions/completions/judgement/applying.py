"""The third step of ``CompletionPollFlow``: what a chunk's answers do to the labels."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from functions.clients.dynamodb import MOST_ACTIONS, Action, Put, Table
from functions.clients.s3 import Bucket
from functions.completions.batches import BatchSummary, CompletionBatchLine
from functions.completions.entities import ReceiptWordLabel, iso
from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.judgement.chunk_answers import ChunkAnswers, read_chunk
from functions.completions.judgement.judgements import MOST_ACTIONS_OF_ONE, actions, superseded
from functions.completions.judgement.judging import Judgement, is_held, judge
from functions.completions.judgement.line_answers import Answer
from functions.completions.labels import LabelledReceipt, batch_summary, labels_of
from functions.completions.messages import ChunkRef
from functions.completions.transactions import write_units
from functions.completions.vocabulary import BatchStatus
from functions.errors import AwsUnavailableError, InvalidItemError
from functions.lookahead import in_order
from functions.metrics import Metric
from functions.observability import count, logger

# Judgements of one word are written together, and this is how many fit into one transaction. The
# vocabulary has fewer labels.
_MOST_TOGETHER = MOST_ACTIONS // MOST_ACTIONS_OF_ONE
# Each time, somebody must have changed one of the labels between the reading and the writing.
_MOST_TRIES = 5


def apply(
    ref: ChunkRef,
    *,
    table: Table,
    bucket: Bucket,
    max_attempts: int,
    clock: Callable[[], float],
) -> None:
    """Write what a chunk says, unless its batch is at its end: then it is written already.

    ``clock`` is Unix seconds. Errors: AwsUnavailableError, AwsRejectedError, InvalidItemError.
    """
    summary = batch_summary(table, ref.batch_id)
    if summary is None:
        raise InvalidItemError(f"there is no batch {ref.batch_id}")
    if summary.status is not BatchStatus.PENDING:
        return
    chunk = AnsweredChunk(
        summary, ref.chunk, table=table, bucket=bucket, max_attempts=max_attempts, clock=clock
    )
    pending, valid, invalid = chunk.download_openai_batch_result()
    chunk.update_pending_labels(pending)
    chunk.update_valid_labels(valid)
    chunk.update_invalid_labels(invalid)
    chunk.write_completion_batch_results(valid, invalid)


@dataclass(frozen=True, kw_only=True)
class LabelResult:
    """A verdict on a label of the batch."""

    answer: Answer
    label: ReceiptWordLabel | None
    """As it was read; None if it is gone, or its item is broken."""


class AnsweredChunk:
    """One chunk of a batch, from its objects in S3 to the label table.

    The label, its correction and the record of the batch are one transaction, so that a chunk may
    be applied again, or twice at once. Only labels that wait for this batch are changed. A target
    whose label somebody else has changed gets a record alone: so each has one in the end.
    """

    def __init__(
        self,
        summary: BatchSummary,
        chunk: str,
        *,
        table: Table,
        bucket: Bucket,
        max_attempts: int,
        clock: Callable[[], float],
    ) -> None:
        self._summary = summary
        self._chunk = chunk
        self._table = table
        self._bucket = bucket
        self._max_attempts = max_attempts
        self._clock = clock
        self._open: dict[LabelId, Answer] = {}
        """What has not been written."""
        self._stray_lines: Sequence[CompletionBatchLine] = ()
        self._receipts: dict[ReceiptId, LabelledReceipt] = {}
        """As they were last read."""
        self._taken: set[LabelId] = set()
        """Labels that are there, though they may not have been read."""

    def download_openai_batch_result(
        self,
    ) -> tuple[list[ReceiptWordLabel], list[LabelResult], list[LabelResult]]:
        """Labels to be reset, those called valid, and those called invalid."""
        chunk = read_chunk(self._bucket, self._summary.batch_id, self._chunk)
        self._open = dict(chunk.answers)
        self._stray_lines = chunk.stray_lines
        self._read({target.receipt for target in chunk.answers})
        pending: list[ReceiptWordLabel] = []
        valid: list[LabelResult] = []
        invalid: list[LabelResult] = []
        for target, answer in chunk.answers.items():
            label = self._label(target)
            if answer.verdict is not None:
                results = valid if answer.verdict.is_valid else invalid
                results.append(LabelResult(answer=answer, label=label))
            elif label is not None and is_held(label, self._summary.batch_id):
                pending.append(label)
        _report(chunk, {"batch_id": self._summary.batch_id, "chunk": self._chunk})
        return pending, valid, invalid

    def update_pending_labels(self, pending_labels_to_update: Sequence[ReceiptWordLabel]) -> None:
        """Have labels without a verdict asked about again, or judged by a person in the end."""
        self._settle([self._open[label.id] for label in pending_labels_to_update])

    def update_valid_labels(self, valid_labels_results: Sequence[LabelResult]) -> None:
        """Make labels VALID, and have their words projected."""
        self._settle([result.answer for result in valid_labels_results])

    def update_invalid_labels(self, invalid_labels_results: Sequence[LabelResult]) -> None:
        """Make labels INVALID or NEEDS_REVIEW, propose others, and have their words projected."""
        self._settle([result.answer for result in invalid_labels_results])

    def write_completion_batch_results(
        self, valid_results: Sequence[LabelResult], invalid_results: Sequence[LabelResult]
    ) -> None:
        """Complete the batch's records: results that changed no label, lines that answer nothing.

        The others were written with their labels.
        """
        results = [result.answer for result in chain(valid_results, invalid_results)]
        unanswered = [answer for answer in self._open.values() if answer.verdict is None]
        left = [answer for answer in (*results, *unanswered) if answer.target in self._open]
        now = iso(self._clock())
        units: list[list[Action]] = [[Put(item=line.to_item())] for line in self._stray_lines]
        for answer in left:
            label = self._label(answer.target)
            attempt = label.attempts + 1 if label else 1
            units.append(superseded(answer, self._summary, attempt, now))
        # What is refused here was recorded when this chunk was applied before.
        write_units(self._table, units)

    def _settle(self, answers: Sequence[Answer]) -> None:
        """Write what the answers do to the labels that the batch holds."""
        for _ in range(_MOST_TRIES):
            answers = self._write(answers)
            if not answers:
                return
            self._read({answer.target.receipt for answer in answers})
        raise AwsUnavailableError(
            f"labels of batch {self._summary.batch_id} were changed by others {_MOST_TRIES} times "
            f"in a row, such as {answers[0].target.text}"
        )

    def _write(self, answers: Iterable[Answer]) -> list[Answer]:
        """Judge by the labels as last read, and write; the answers that are to be judged again."""
        together = self._judge(answers)
        now = iso(self._clock())
        refused = write_units(
            self._table,
            [
                [action for one in some for action in actions(one, self._summary, now)]
                for some in together
            ],
        )
        again = []
        for position, judgements in enumerate(together):
            if position in refused:
                self._learn_taken(judgements, refused[position])
                again += [judgement.answer for judgement in judgements]
            else:
                for judgement in judgements:
                    del self._open[judgement.label.id]
        return again

    def _judge(self, answers: Iterable[Answer]) -> list[list[Judgement]]:
        """Judgements to be written together, by the labels as last read."""
        of_receipt: dict[ReceiptId, list[Answer]] = defaultdict(list)
        for answer in answers:
            of_receipt[answer.target.receipt].append(answer)
        together = []
        for receipt, some in of_receipt.items():
            for judgements in judge(
                self._receipts[receipt],
                some,
                batch_id=self._summary.batch_id,
                max_attempts=self._max_attempts,
                taken=self._taken,
            ):
                starts = range(0, len(judgements), _MOST_TOGETHER)
                together += [judgements[start : start + _MOST_TOGETHER] for start in starts]
        return together

    def _learn_taken(self, judgements: Iterable[Judgement], failed: Iterable[Action]) -> None:
        """A correction that was refused is there, even if its item is broken and so never read."""
        keys = [(put.item["PK"], put.item["SK"]) for put in failed if isinstance(put, Put)]
        self._taken |= {
            one.correction
            for one in judgements
            if one.correction and tuple(one.correction.key.values()) in keys
        }

    def _read(self, receipts: Iterable[ReceiptId]) -> None:
        for receipt in in_order(lambda id_: labels_of(self._table, id_), receipts):
            self._receipts[receipt.id] = receipt

    def _label(self, target: LabelId) -> ReceiptWordLabel | None:
        return self._receipts[target.receipt].labels.get(target)


def _report(chunk: ChunkAnswers, ref: Mapping[str, str]) -> None:
    """Count what the answers were good for. What they say is a receipt's, and goes to no log."""
    unusable = sum(a.verdict is None and a.raw_line is not None for a in chunk.answers.values())
    counts = {Metric.ANSWERS_UNUSABLE: unusable, Metric.ANSWERS_FOREIGN: chunk.foreign}
    for metric, number in counts.items():
        if number:
            count(metric, number)
    told = {metric.value: number for metric, number in counts.items()}
    logger().info("chunk read", extra={**ref, "targets": len(chunk.answers), **told})
