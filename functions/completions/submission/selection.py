"""Which labels are asked about next: the oldest first, with all others of the same receipt."""

from collections.abc import Callable, Iterator, Sequence

from functions.clients.dynamodb import Table
from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import ReceiptId
from functions.completions.labels import labelled_receipt, labels_with_status
from functions.completions.submission import prompts
from functions.completions.submission.prompts import Prompt
from functions.completions.vocabulary import ValidationStatus
from functions.lookahead import in_order
from functions.metrics import Metric
from functions.observability import count, logger


class Selection:
    """The labels that wait for a verdict, as prompts, one for each receipt.

    They are read as they are taken, a little ahead, for as long as it may ``go_on``. Labels that
    cannot be asked about are reported, unless all is only ``looked_at``, and passed by: they keep
    no others waiting.
    """

    def __init__(
        self, table: Table, *, model: str, go_on: Callable[[], bool], looked_at: bool = False
    ) -> None:
        self._table = table
        self._model = model
        self._go_on = go_on
        self._looked_at = looked_at
        self._listed = labels_with_status(table, ValidationStatus.NONE)
        self._seen: set[ReceiptId] = set()
        self._prompts = in_order(self._prompt, self._receipts())
        self._next: Prompt | None = None

    def peek(self) -> Prompt | None:
        """The next one, which is not taken by this; None if there is none or time is up."""
        if self._next is None:
            self._next = next((found for found in self._prompts if found is not None), None)
        return self._next

    def take(self) -> Prompt:
        """The next one, where ``peek`` has found one."""
        taken, self._next = self._next, None
        if taken is None:
            raise LookupError("nothing to take: peek first")
        return taken

    def leave(self, go_on: Callable[[], bool]) -> int:
        """Take no more; how many labels are left waiting, counted while it may ``go_on``."""
        self._go_on = lambda: False
        left = 0
        while self.peek() is not None:
            left += len(self.take().request.targets)
        for label in self._listed:
            left += label.id.receipt not in self._seen
            if not go_on():
                break
        return left

    def close(self) -> None:
        """End the reading ahead."""
        self._prompts.close()

    def _receipts(self) -> Iterator[ReceiptId]:
        for label in self._listed:
            if label.id.receipt not in self._seen:
                self._seen.add(label.id.receipt)
                yield label.id.receipt
                if not self._go_on():
                    return

    def _prompt(self, receipt: ReceiptId) -> Prompt | None:
        """The prompt about a receipt's labels; None if none of them still waits, or can be asked.

        The table decides: the index that listed the receipt is a moment behind it.
        """
        labelled = labelled_receipt(self._table, receipt)
        waiting = [
            label
            for _, label in sorted(labelled.labels.items())
            if label.validation_status == ValidationStatus.NONE
        ]
        if labelled.receipt is None:
            self._report(receipt, waiting, "labels of a receipt that has no readable item")
            return None
        words = prompts.words(labelled.receipt)
        self._report(
            receipt,
            [label for label in waiting if label.id.word not in words],
            "labels of words that are not on their receipt",
        )
        askable = [label for label in waiting if label.id.word in words]
        if not askable:
            return None
        return prompts.prompt(labelled, labelled.receipt, askable, model=self._model)

    def _report(self, receipt: ReceiptId, labels: Sequence[ReceiptWordLabel], problem: str) -> None:
        if labels and not self._looked_at:
            count(Metric.LABELS_THAT_CANNOT_BE_ASKED, len(labels))
            logger().warning(problem, extra={"receipt": receipt.custom_id, "labels": len(labels)})
