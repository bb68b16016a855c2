"""From the messages of a dead-letter queue to its letters, each with its reason.

SQS keeps no reason with a dead letter. The functions behind the queues record it in their table
under ``MESSAGE#{id}`` / ``FAILURE``; letters of executions and of scheduled runs have their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from functions.errors import InvalidMessageError
from functions.messages import DownloadRequest, FileBatchRef, MarketAnalysisRequest
from ops.items import read_items
from ops.letters.execution_letters import ExecutionLetter, read_execution_letter
from ops.letters.holding import Message
from ops.letters.letters import Letter, PollAgain, Resend
from ops.letters.queues import DeadLetterQueue
from ops.letters.run_letters import read_run_letter
from ops.stack import Stack

NO_REASON = "no reason was recorded: the function ended before it could say why"
_SEND_ANOTHER = "put back as it is, it fails again: send a corrected message, and discard this one"
_INGEST_AGAIN = (
    "OpenAI has ended the file batch for good, and polling it again fails again: once "
    "ingestRefreshAfterHours have passed, or under another requestId, send its documents again "
    "with `python -m ops ingest`, and then discard the letter"
)
_BY_HAND = "nothing can be made of it: look at the message, and discard it"


def read_letters(stack: Stack, queue: DeadLetterQueue, messages: Sequence[Message]) -> list[Letter]:
    """The letters, malformed ones among them. AwsUnavailableError, AwsRejectedError."""
    outputs = stack.outputs
    match queue:
        case DeadLetterQueue.DOWNLOAD:
            reasons = _recorded(stack, outputs.ingest_ledger_table_name, messages)
            return [_download(stack, message, reasons) for message in messages]
        case DeadLetterQueue.MARKET_ANALYSIS:
            reasons = _recorded(stack, outputs.analyses_table_name, messages)
            return [_analysis(stack, message, reasons) for message in messages]
        case DeadLetterQueue.VECTOR_STORE_BATCH:
            return _executions(messages)
        case DeadLetterQueue.FILE_SWEEP | DeadLetterQueue.COMPLETION:
            return [_run(stack, queue, message) for message in messages]


def _recorded(stack: Stack, table: str, messages: Sequence[Message]) -> Mapping[str, str]:
    """What the function behind the queue recorded of each message, by its id."""
    keys = [(f"MESSAGE#{message.message_id}", "FAILURE") for message in messages]
    found = read_items(stack.client("dynamodb"), table, keys)
    return {
        pk.removeprefix("MESSAGE#"): str(item.get("reason", NO_REASON))
        for (pk, _), item in found.items()
    }


def _download(stack: Stack, message: Message, reasons: Mapping[str, str]) -> Letter:
    queue, back = DeadLetterQueue.DOWNLOAD, Resend(queue_url=stack.outputs.download_queue_url)
    try:
        request = DownloadRequest.parse_json(message.body)
    except InvalidMessageError as error:
        return _wrong(queue, message, error=error, remedy=_SEND_ANOTHER, work=back)
    return Letter(
        queue=queue,
        messages=[message],
        about=request.url,
        reason=reasons.get(message.message_id, NO_REASON),
        work=back,
    )


def _analysis(stack: Stack, message: Message, reasons: Mapping[str, str]) -> Letter:
    queue = DeadLetterQueue.MARKET_ANALYSIS
    back = Resend(queue_url=stack.outputs.market_analysis_queue_url)
    try:
        request = MarketAnalysisRequest.parse_json(message.body)
    except InvalidMessageError as error:
        return _wrong(queue, message, error=error, remedy=_SEND_ANOTHER, work=back)
    return Letter(
        queue=queue,
        messages=[message],
        about=f"{request.domain} for {request.customer_domain}",
        reason=reasons.get(message.message_id, NO_REASON),
        work=back,
    )


@dataclass
class _Ended:
    """An execution that ended badly, as its letters tell of it."""

    letter: ExecutionLetter
    messages: list[Message] = field(default_factory=list)


def _executions(messages: Sequence[Message]) -> list[Letter]:
    ended: dict[str, _Ended] = {}
    malformed = []
    for message in messages:
        try:
            letter = read_execution_letter(message.body)
        except InvalidMessageError as error:
            malformed.append(
                _wrong(DeadLetterQueue.VECTOR_STORE_BATCH, message, error=error, remedy=_BY_HAND)
            )
            continue
        known = ended.setdefault(letter.execution_arn, _Ended(letter))
        known.messages.append(message)
        if known.letter.is_event:  # the machine's own has its input whatever the size
            known.letter = letter
    return [*map(_execution, ended.values()), *malformed]


def _execution(ended: _Ended) -> Letter:
    letter, queue = ended.letter, DeadLetterQueue.VECTOR_STORE_BATCH
    about = letter.execution_arn.rpartition(":")[2]
    remedy = _INGEST_AGAIN if letter.error == "BatchFailed" else ""
    if letter.input is not None:
        try:
            ref = FileBatchRef.parse(letter.input)
        except InvalidMessageError as error:
            return _wrong(queue, *ended.messages, error=error, remedy=_BY_HAND)
        about = f"{ref.batch_id} of {ref.vector_store_name}"
    return Letter(
        queue=queue,
        messages=ended.messages,
        about=about,
        reason=letter.reason,
        remedy=remedy,
        work=PollAgain(execution_arn=letter.execution_arn, input=letter.input),
    )


def _run(stack: Stack, queue: DeadLetterQueue, message: Message) -> Letter:
    try:
        run, name, reason = read_run_letter(message, stack.outputs)
    except InvalidMessageError as error:
        return _wrong(queue, message, error=error, remedy=_BY_HAND)
    return Letter(queue=queue, messages=[message], about=name, reason=f"{name}: {reason}", work=run)


def _wrong(
    queue: DeadLetterQueue,
    *messages: Message,
    error: InvalidMessageError,
    remedy: str,
    work: Resend | None = None,
) -> Letter:
    """A letter that is not what its queue is for."""
    return Letter(
        queue=queue,
        messages=messages,
        about="",
        reason=f"malformed: {error}",
        remedy=remedy,
        work=work,
    )
