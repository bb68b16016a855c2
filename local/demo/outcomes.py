"""What became of each document, and whether that is what the scenario says."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from functions.errors import InvalidMessageError
from functions.ingest.ledger import request_key
from functions.messages import DownloadRequest
from local.demo.scenario import Outcome, PlannedMessage
from local.demo.snapshot import Execution, Letter, QueueName, Request, Snapshot


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """A message of the scenario, and the id of each copy that was sent."""

    planned: PlannedMessage
    message_ids: Sequence[str]

    @property
    def ledger_key(self) -> str:
        """The key of its request in the ledger; empty if it breaks the model."""
        try:
            return request_key(DownloadRequest.parse_json(self.planned.body))
        except InvalidMessageError:
            return ""


@dataclass(frozen=True, kw_only=True)
class DocumentState:
    """How far a document came. ``outcome`` is None while it is under way at ``stage``."""

    planned: PlannedMessage
    stage: str
    outcome: Outcome | None = None
    reason: str = ""
    file_id: str = ""
    vector_store_id: str = ""
    batch_id: str = ""
    execution_status: str = ""
    files: int = 0
    """How many files its vector store has of it."""

    @property
    def complaint(self) -> str:
        """What is wrong with how it ended; empty if it ended as it should, or not yet."""
        planned = self.planned
        if self.outcome is None:
            return ""
        if self.outcome != planned.outcome:
            why = f" ({self.reason})" if self.reason else ""
            return f"{planned.url}: {self.outcome}{why} instead of {planned.outcome}"
        if planned.reason not in self.reason:
            return f"{planned.url}: the reason is {self.reason!r}, without {planned.reason!r}"
        return ""


def document_states(sent: Sequence[SentMessage], snapshot: Snapshot) -> list[DocumentState]:
    """The state of each document, in the order of the messages."""
    return [_state(message, snapshot) for message in sent]


def unfinished(sent: Sequence[SentMessage], snapshot: Snapshot) -> list[str]:
    """What is still to come, a line each: nothing, once all is accounted for."""
    lines = [
        f"{state.planned.url}: {state.stage}"
        for state in document_states(sent, snapshot)
        if state.outcome is None
    ]
    lines += [
        f"{name}: {snapshot.queue(name).total} messages"
        for name in (QueueName.DOWNLOAD, QueueName.MARKET_ANALYSIS)
        if snapshot.queue(name).total
    ]
    analysed = {analysis["batchId"] for analysis in snapshot.analyses}
    lettered = {letter.execution_arn for letter in snapshot.letters}
    for execution in snapshot.executions:
        if not execution.has_ended:
            lines.append(f"execution {execution.name}: {execution.status}")
        elif execution.status != "SUCCEEDED" and execution.arn not in lettered:
            lines.append(f"execution {execution.name}: {execution.status} without a dead letter")
        elif execution.status == "SUCCEEDED" and execution.batch_id not in analysed:
            lines.append(f"execution {execution.name}: no market analysis yet")
    return lines


def complaints(sent: Sequence[SentMessage], snapshot: Snapshot) -> list[str]:
    """What is other than the scenario says, a line each."""
    states = document_states(sent, snapshot)
    return [
        *filter(None, (state.complaint for state in states)),
        *_wrong_files(states, snapshot),
        *_wrong_executions(snapshot),
        *_wrong_letters(sent, snapshot),
    ]


def _state(message: SentMessage, snapshot: Snapshot) -> DocumentState:
    planned = message.planned
    letters = _download_letters(message, snapshot)
    if len(letters) == len(message.message_ids):
        reason = letters[0].reason or "no reason in the ledger"
        return DocumentState(
            planned=planned, stage="ended", outcome=Outcome.DEAD_LETTER, reason=reason
        )
    request = snapshot.requests.get(message.ledger_key)
    if request is None:
        return DocumentState(planned=planned, stage="queued")
    if not request.file_id:
        return DocumentState(planned=planned, stage="downloading")
    state = DocumentState(
        planned=planned,
        stage="uploaded",
        reason=request.reason,
        file_id=request.file_id,
        vector_store_id=request.vector_store_id,
        batch_id=request.batch_id,
        files=sum(file.ledger_key == request.key for file in snapshot.files),
    )
    # A redrive polls the same batch again, in an execution that begins later.
    executions = [e for e in snapshot.executions if e.batch_id == request.batch_id]
    return _in_execution(state, request, executions[-1], snapshot) if executions else state


def _in_execution(
    state: DocumentState, request: Request, execution: Execution, snapshot: Snapshot
) -> DocumentState:
    state = replace(state, stage="in file batch", execution_status=execution.status)
    if not execution.has_ended:
        return state
    if request.file_failure:
        return replace(
            state, stage="ended", outcome=Outcome.FILE_FAILED, reason=request.file_failure
        )
    if execution.status != "SUCCEEDED":
        if all(letter.execution_arn != execution.arn for letter in snapshot.letters):
            return replace(state, stage="waiting for its dead letter")
        return replace(state, stage="ended", outcome=Outcome.DEAD_LETTER, reason=execution.reason)
    outcome = Outcome.FALLBACK if request.is_fallback else Outcome.INGESTED
    return replace(state, stage="ended", outcome=outcome)


def _download_letters(message: SentMessage, snapshot: Snapshot) -> list[Letter]:
    return [
        letter
        for letter in snapshot.letters
        if letter.queue == QueueName.DOWNLOAD_DEAD_LETTERS
        and letter.message_id in message.message_ids
    ]


def _wrong_files(states: Sequence[DocumentState], snapshot: Snapshot) -> Iterator[str]:
    """One file a request in its vector store, indexed if it is to be found there."""
    status = {file.file_id: file.status for file in snapshot.files}
    for state in states:
        if state.batch_id and state.files != 1:
            yield f"{state.planned.url}: {state.files} files in its vector store"
        if state.outcome in (Outcome.INGESTED, Outcome.FALLBACK):
            found = status.get(state.file_id)
            if found != "completed":
                yield f"{state.planned.url}: its file is {found or 'not there'}, not completed"


def _wrong_executions(snapshot: Snapshot) -> Iterator[str]:
    runs = Counter(analysis["batchId"] for analysis in snapshot.analyses)
    names = Counter(execution.batch_id for execution in snapshot.executions)
    for execution in snapshot.executions:
        succeeded = execution.status == "SUCCEEDED"
        if names[execution.batch_id] > 1:
            yield f"file batch {execution.batch_id}: {names[execution.batch_id]} executions"
        if succeeded and execution.notification is None:
            yield f"execution {execution.name}: nobody was notified"
        if not succeeded and runs[execution.batch_id]:
            yield f"execution {execution.name}: {execution.status}, and analysed all the same"


def _wrong_letters(sent: Sequence[SentMessage], snapshot: Snapshot) -> Iterator[str]:
    planned = {id_: message.planned for message in sent for id_ in message.message_ids}
    inputs = {execution.arn: execution.input for execution in snapshot.executions}
    for letter in snapshot.letters:
        where = f"{letter.queue}, message {letter.message_id}"
        if letter.queue == QueueName.DOWNLOAD_DEAD_LETTERS:
            of = planned.get(letter.message_id)
            if of is None or letter.body != of.body:
                yield f"{where}: it is not as it was sent"
            elif of.outcome != Outcome.DEAD_LETTER:
                yield f"{where}: nobody expected it, {letter.reason}"
        elif letter.queue == QueueName.FLOW_DEAD_LETTERS:
            if letter.execution_input != inputs.get(letter.execution_arn):
                yield f"{where}: it does not hold the input of its execution"
        else:
            yield f"{where}: {letter.reason}"
