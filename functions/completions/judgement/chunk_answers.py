"""What a chunk of a finished job says: an answer for each target, and lines that answer nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.clients.s3 import Bucket
from functions.completions.batches import CompletionBatchLine
from functions.completions.chunks import Entry, entries_key, lines_key
from functions.completions.identifiers import LabelId
from functions.completions.judgement.line_answers import Answer, read_line
from functions.errors import InvalidItemError


@dataclass(frozen=True, kw_only=True)
class ChunkAnswers:
    """A chunk as it was read."""

    answers: Mapping[LabelId, Answer]
    """One for each target of the chunk."""
    stray_lines: Sequence[CompletionBatchLine]
    foreign: int
    """Results that name no target of the request that they answer."""


def read_chunk(bucket: Bucket, batch_id: str, chunk: str) -> ChunkAnswers:
    """Read a chunk's two objects; InvalidItemError if one is not there or broken."""
    kept_at = lines_key(batch_id, chunk)
    # Not splitlines: a carriage return is no end of a line.
    lines = _object(bucket, kept_at).split(b"\n")
    answers: dict[LabelId, Answer] = {}
    stray_lines = []
    foreign = 0
    for text in _object(bucket, entries_key(batch_id, chunk)).splitlines():
        entry = Entry.from_line(text)
        raw_line = None if entry.line is None else f"{kept_at}#{entry.line}"
        if entry.line is not None and entry.line >= len(lines):
            raise InvalidItemError(f"there is no line at {raw_line}")
        if entry.line is None or raw_line is None:
            answers |= {answer.target: answer for answer in _unanswered(entry)}
        elif entry.request is None:
            stray_lines.append(
                CompletionBatchLine(
                    batch_id=batch_id,
                    chunk=chunk,
                    line=entry.line,
                    reason=entry.reason or "",
                    raw_line=raw_line,
                )
            )
        else:
            read = read_line(lines[entry.line], entry.targets, raw_line)
            answers |= {answer.target: answer for answer in read.answers}
            foreign += read.foreign
    return ChunkAnswers(answers=answers, stray_lines=stray_lines, foreign=foreign)


def _unanswered(entry: Entry) -> list[Answer]:
    """The targets of a request that no line answers."""
    return [
        Answer(
            target=target,
            reason=entry.reason,
            counts_attempt=entry.counts_attempt,
            needs_review=entry.needs_review,
        )
        for target in entry.targets
    ]


def _object(bucket: Bucket, key: str) -> bytes:
    found = bucket.get(key)
    if found is None:
        raise InvalidItemError(f"{key} is not in the bucket {bucket.name}")
    return found
