"""Sending documents to the ``DownloadQueue``, ten a call; none is called sent that may not be."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from functions.clients import aws
from functions.errors import AwsRejectedError, AwsUnavailableError
from ops.ingest.documents import Document

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
_MESSAGES_A_CALL = 10
_TRIES = 4


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What became of each document, by its key in the ledger."""

    message_ids: dict[str, str] = field(default_factory=dict)
    unsent: dict[str, str] = field(default_factory=dict)
    """Why those are not sent, or are not known to be."""


@dataclass(kw_only=True)
class Sender:
    """Sends to one queue; ``most_bytes`` is the most that it takes, in a message and in a call.

    ``tell`` gets how many have been dealt with. SQS takes no name for a message by which it would
    know it again: one whose answer is lost is sent twice, and the ledger makes the second nothing.
    """

    sqs: Any
    queue_url: str
    most_bytes: int
    tell: Callable[[int], None]
    pause: Callable[[float], None] = time.sleep
    done: Sent = field(default_factory=Sent)

    def send(self, documents: Sequence[Document]) -> Sent:
        """Send all of them; after a call that is refused as a whole no other is made."""
        portions = list(_portions(documents, self.most_bytes))
        for number, portion in enumerate(portions):
            refusal = self._send_portion(portion)
            self.tell(len(portion))
            if refusal:
                rest = [document for later in portions[number + 1 :] for document in later]
                self.done.unsent.update((each.key, f"not tried: {refusal}") for each in rest)
                break
        return self.done

    def _send_portion(self, portion: Sequence[Document]) -> str:
        """Try until all are sent or given up; why the last call failed, if it did as a whole."""
        waiting = {str(number): document for number, document in enumerate(portion)}
        refusal = ""
        for number in range(_TRIES):
            if number:
                self.pause(2.0 ** (number - 1))
            try:
                answer = self._call(waiting)
            except AwsUnavailableError as error:
                refusal = f"it may not have arrived: {error}"
            except AwsRejectedError as error:
                refusal = str(error)
                break
            else:
                refusal = ""
                waiting = self._to_be_tried_again(answer, waiting)
                if not waiting:
                    break
        if refusal:
            self.done.unsent.update((each.key, refusal) for each in waiting.values())
        return refusal

    def _to_be_tried_again(
        self, answer: Mapping[str, Any], asked: Mapping[str, Document]
    ) -> dict[str, Document]:
        taken = {each["Id"]: each["MessageId"] for each in answer.get("Successful", [])}
        failed = {each["Id"]: each for each in answer.get("Failed", [])}
        for id_, document in asked.items():
            if id_ in taken:
                self.done.message_ids[document.key] = taken[id_]
                self.done.unsent.pop(document.key, None)
            else:
                self.done.unsent[document.key] = _reason(failed.get(id_, {}))
        # What is the message's own fault is its fault the next time, too.
        return {
            id_: document
            for id_, document in asked.items()
            if id_ not in taken and not failed.get(id_, {}).get("SenderFault")
        }

    def _call(self, documents: Mapping[str, Document]) -> dict[str, Any]:
        entries = [{"Id": id_, "MessageBody": each.body} for id_, each in documents.items()]
        with aws.translated():
            answer: dict[str, Any] = self.sqs.send_message_batch(
                QueueUrl=self.queue_url, Entries=entries
            )
        return answer


def _portions(documents: Sequence[Document], most_bytes: int) -> Iterator[list[Document]]:
    portion: list[Document] = []
    size = 0
    for document in documents:
        if len(portion) == _MESSAGES_A_CALL or (portion and size + document.size > most_bytes):
            yield portion
            portion, size = [], 0
        portion.append(document)
        size += document.size
    if portion:
        yield portion


def _reason(failed: Mapping[str, Any]) -> str:
    if not failed:
        return "SQS did not say what became of it"
    return f"{failed.get('Code', 'refused')}: {failed.get('Message', 'without a reason')}"
