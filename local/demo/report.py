"""The demo's result as JSON."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from local.demo.outcomes import DocumentState, SentMessage, document_states
from local.demo.snapshot import Snapshot


def report(
    sent: Sequence[SentMessage], snapshot: Snapshot, *, problems: Sequence[str], seconds: float
) -> dict[str, Any]:
    """What became of everything that was sent; ``problems`` is empty if all is as it should be."""
    states = document_states(sent, snapshot)
    return {
        "documents": [
            _document(message, state) for message, state in zip(sent, states, strict=True)
        ],
        "executions": [
            {
                "name": execution.name,
                "status": execution.status,
                "checks": execution.checks,
                "batchId": execution.batch_id,
                "reason": execution.reason,
            }
            for execution in snapshot.executions
        ],
        "notifications": [
            execution.notification for execution in snapshot.executions if execution.notification
        ],
        "analyses": [_plain(analysis) for analysis in snapshot.analyses],
        "deadLetters": [
            {
                "queue": letter.queue.value,
                "reason": letter.reason,
                "body": letter.body,
                "messageId": letter.message_id,
            }
            for letter in snapshot.letters
        ],
        "problems": list(problems),
        "seconds": round(seconds, 1),
    }


def _document(message: SentMessage, state: DocumentState) -> dict[str, Any]:
    return {
        "url": state.planned.url,
        "customerDomain": state.planned.customer,
        "outcome": state.outcome.value if state.outcome else state.stage,
        "reason": state.reason,
        "fileId": state.file_id or None,
        "vectorStoreId": state.vector_store_id or None,
        "batchId": state.batch_id or None,
        "executionStatus": state.execution_status or None,
        "messageIds": list(message.message_ids),
    }


def _plain(value: Any) -> Any:
    """An item of DynamoDB, without its decimals."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
