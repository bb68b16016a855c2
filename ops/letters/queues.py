"""The stack's dead-letter queues, and how many messages a queue has."""

from enum import StrEnum
from typing import Any

from ops.parts import Part
from ops.stack import Outputs


class DeadLetterQueue(StrEnum):
    """The dead-letter queues, in the order of the flows."""

    DOWNLOAD = "download"
    VECTOR_STORE_BATCH = "vector-store-batch"
    MARKET_ANALYSIS = "market-analysis"
    FILE_SWEEP = "file-sweep"
    COMPLETION = "completion"

    def url(self, outputs: Outputs) -> str:
        """Its URL in a stack."""
        match self:
            case DeadLetterQueue.DOWNLOAD:
                return outputs.download_dead_letter_queue_url
            case DeadLetterQueue.VECTOR_STORE_BATCH:
                return outputs.vector_store_batch_flow_dead_letter_queue_url
            case DeadLetterQueue.MARKET_ANALYSIS:
                return outputs.market_analysis_dead_letter_queue_url
            case DeadLetterQueue.FILE_SWEEP:
                return outputs.file_sweep_dead_letter_queue_url
            case DeadLetterQueue.COMPLETION:
                return outputs.completion_dead_letter_queue_url


class QueueCounts(Part):
    """How many messages a queue has; AWS counts approximately."""

    waiting: int
    in_flight: int
    """Received by somebody, and not deleted yet."""
    delayed: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.in_flight + self.delayed


def queue_counts(sqs: Any, url: str) -> QueueCounts:
    """Ask a queue for its counts."""
    answer = sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
    )
    found = answer["Attributes"]
    return QueueCounts(
        waiting=int(found["ApproximateNumberOfMessages"]),
        in_flight=int(found["ApproximateNumberOfMessagesNotVisible"]),
        delayed=int(found["ApproximateNumberOfMessagesDelayed"]),
    )
