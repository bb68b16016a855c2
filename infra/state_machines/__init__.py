"""The state machines, as plain dicts in Amazon States Language with JSONPath.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from infra.state_machines.completion_poll_flow import (
    COMPLETION_TIMEOUT_SECONDS,
    CompletionPolling,
    completion_poll_flow,
)
from infra.state_machines.retriers import TRANSIENT_ERRORS
from infra.state_machines.vector_store_batch_flow import (
    CHECK_TIMEOUT_SECONDS,
    Polling,
    poll_delays,
    vector_store_batch_flow,
)

__all__ = [
    "CHECK_TIMEOUT_SECONDS",
    "COMPLETION_TIMEOUT_SECONDS",
    "TRANSIENT_ERRORS",
    "CompletionPolling",
    "Polling",
    "completion_poll_flow",
    "poll_delays",
    "vector_store_batch_flow",
]
