"""Which of OpenAI's words for a job's status say that it has ended.

Apart from what asks OpenAI: ``finish`` needs these alone, and starts without the openai package.
"""

from collections.abc import Mapping
from types import MappingProxyType

from functions.completions.vocabulary import BatchStatus

# https://developers.openai.com/api/docs/guides/batch#4-check-the-status-of-a-batch
UNDER_WAY = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
ENDS: Mapping[str, BatchStatus] = MappingProxyType(
    {
        "completed": BatchStatus.COMPLETED,
        "failed": BatchStatus.FAILED,
        "expired": BatchStatus.EXPIRED,
        "cancelled": BatchStatus.CANCELLED,
    }
)
