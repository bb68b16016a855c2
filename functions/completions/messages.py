"""What travels through ``CompletionPollFlow``."""

from typing import Annotated

from pydantic import StringConstraints

from functions.messages import Message, Name, OpenAIId


class PollRequest(Message):
    """Its input: one job to look after, or all."""

    openai_batch_id: OpenAIId | None = None


class CompletionBatch(Message):
    """A batch, by our name for it."""

    batch_id: Name


class BatchOfRun(CompletionBatch):
    """A batch as ``collect`` gets it; log lines tell of the execution that it is collected in."""

    execution: Name | None = None


class EndedBatch(CompletionBatch):
    """A batch whose job has ended, and OpenAI's name for the job."""

    openai_batch_id: OpenAIId


class PendingWork(Message):
    """What is to be done now: batches to collect, and whether words wait to be projected."""

    batches: list[EndedBatch]
    unprojected: bool


class CollectedBatch(CompletionBatch):
    """A batch that has been cut into so many chunks; their list is an object in S3."""

    bucket: Name
    chunks_key: Name
    chunks: int


class ChunkRef(CompletionBatch):
    """An element of that list."""

    chunk: Annotated[str, StringConstraints(pattern=r"^[0-9]{5,9}$")]
