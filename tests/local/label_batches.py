"""Receipts whose labels are all right, asked about in batches of one receipt each."""

import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from functions.completions import capacity
from functions.completions.identifiers import LabelId, ReceiptId
from functions.completions.vocabulary import ValidationStatus
from local.demo.labels.accounts import label_complaints
from local.demo.labels.reading import LabelSnapshot, read_label_table
from local.demo.labels.scenario import LABELS, RECEIPTS
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.stack import LocalStack
from local.standins.openai import JobPlan, Truth

CONFIG = {"completionBatchMaxRequests": "1", "completionSchedulesEnabled": "false"}


@dataclass(frozen=True, kw_only=True)
class LabelBatches:
    """What is asked, and how it stands. ``stack`` has stand-ins, and ``CONFIG``."""

    stack: LocalStack

    def ask(self, receipts: int) -> list[dict[str, Any]]:
        """Import so many receipts that nobody has seen, and submit them: a batch for each."""
        assert self.stack.standin is not None
        self.stack.standin.job_plans.add(JobPlan(in_progress=0, times=receipts))
        labels = [label for _ in range(receipts) for label in self._import_one()]
        self.stack.standin.truth = Truth({label.word.vector_id: label.label for label in labels})
        name = self.stack.aws.outputs["submitCompletionBatchFunctionName"]
        answer = self.stack.aws.invoke(name, {})
        assert not answer.failed, answer.payload
        batches: list[dict[str, Any]] = answer.payload["batches"]
        assert len(batches) == receipts
        return batches

    def look(self) -> LabelSnapshot:
        """The label table."""
        destination = Destination.of(self.stack)
        return read_label_table(destination.dynamodb(), destination.label_table_name)

    def complaints(self) -> list[str]:
        """A sentence for each thing that is lost, or was done twice."""
        assert self.stack.standin is not None
        assert self.stack.vectors is not None
        seen = self.look()
        found = self.stack.vectors.vectors(self.stack.namespace)
        words = {label.word for label in seen.labels}
        vectors = {word: found[word.vector_id].metadata or {} for word in words}
        said = list(label_complaints(seen, vectors))
        if seen.statuses[ValidationStatus.VALID] != len(seen.labels):
            said.append(f"not all labels are valid: {seen.statuses}")
        if marked := sum(label.projection is not None for label in seen.labels.values()):
            said.append(f"{marked} labels are still to be projected")
        records = Counter(result.id for result in seen.results)
        if records != Counter(seen.labels.keys()):
            said.append(f"not one audit record for each label: {records}")
        if (jobs := self.stack.standin.calls.count("batches.create")) != len(seen.batches):
            said.append(f"{jobs} jobs for {len(seen.batches)} batches")
        under_way = capacity.read(Destination.of(self.stack).table(), time.time()).tokens
        if under_way:
            said.append(f"{under_way} prompt tokens are under way")
        return said

    def _import_one(self) -> list[LabelId]:
        """A copy of the smallest of the sample receipts; its labels."""
        samples = read_receipts(RECEIPTS)
        sample = min(samples, key=lambda receipt: len(str(receipt.lines)))
        image = str(uuid.uuid4())
        receipt = sample.model_copy(
            update={"id": ReceiptId(image_id=image, receipt_id=sample.id.receipt_id)}
        )
        # One a word: of two, only one can be right.
        labels = {
            label.word: LabelId(
                image_id=image,
                receipt_id=label.receipt_id,
                line_id=label.line_id,
                word_id=label.word_id,
                label=label.label,
            )
            for label in read_labels(LABELS, samples)
            if label.receipt == sample.id
        }
        with self.stack.pinecone.index() as index:
            import_receipts(
                [receipt],
                list(labels.values()),
                table=Destination.of(self.stack).table(),
                index=index,
                namespace=self.stack.namespace,
                clock=time.time,
            )
        return list(labels.values())
