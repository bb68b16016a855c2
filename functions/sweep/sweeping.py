"""Deleting the documents at OpenAI that belong to nothing.

An upload whose answer was lost is a file that no entry of the ledger names, and a document that
has been refreshed is one that has served its time. A file is this stack's if its name carries the
mark of the stack and the key of a request; no other is ever touched. The label completion's files
of requests (``{label table}-{batch id}.jsonl``) delete themselves after three days, and the answers
after thirty: of those there is nothing to sweep.

No lock is needed. An entry names a file within the invocation that uploaded it, or never; and what
it names no more, it never names again. So what is found unnamed a day after its creation stays so.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from functions.clients.dynamodb import Table
from functions.clients.openai_files import DocumentFiles, FilePage, ListedFile
from functions.errors import FinalError, FlowError, OpenAIRejectedError
from functions.ingest.documents import key_in
from functions.ingest.ledger import named_files
from functions.lookahead import in_order
from functions.metrics import Metric
from functions.observability import count, describe, logger

# By far longer than an invocation lives.
_LEAST_AGE_SECONDS = 86_400
_POSITION = {"pk": "SWEEP", "sk": "POSITION"}


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What one run did; ``remaining`` if its time was over before it had seen every file."""

    deleted: int
    remaining: bool


class Sweep:
    """One run over the project's files, at ``now`` in Unix seconds.

    ``time_left`` has the seconds until this process ends; the last ``reserve_seconds`` of them are
    kept for calls that are under way.
    """

    def __init__(
        self,
        table: Table,
        files: DocumentFiles,
        *,
        now: float,
        time_left: Callable[[], float],
        reserve_seconds: float,
    ) -> None:
        self._table = table
        self._files = files
        self._now = now
        self._time_left = time_left
        self._reserve_seconds = reserve_seconds
        self._position: str | None = None
        """The last file that was dealt with and is still there, as far as is known."""
        self._deleted = 0
        self._problems: list[FinalError] = []

    def run(self) -> Swept:
        """Delete what belongs to nothing, and then raise the first error that there was, if any.

        What fails for one file is left to a later run. A service that cannot answer ends this
        one. The next goes on after the file where this one ended, or else starts over.
        """
        try:
            finished = self._sweep()
        except FlowError:
            self._remember(self._position)
            raise
        self._remember(None if finished else self._position)
        if self._problems:
            raise self._problems[0]
        return Swept(deleted=self._deleted, remaining=not finished)

    def _sweep(self) -> bool:
        """Whether there was time for every file."""
        page = self._first_page()
        while True:
            with closing(in_order(self._judge, page.files)) as judged:
                for file, verdict in judged:
                    if self._time_left() < self._reserve_seconds:
                        return False
                    # Set before, as a lost answer leaves it open whether the file is there.
                    former, self._position = self._position, file.id
                    if self._is_deleted(file, verdict):
                        self._position = former
            if not page.has_more:
                return True
            page = self._files.listed_after(self._position)

    def _first_page(self) -> FilePage:
        self._position = (self._table.get(_POSITION) or {}).get("after")
        try:
            return self._files.listed_after(self._position)
        except OpenAIRejectedError:
            if self._position is None:
                raise
            # OpenAI lists nothing after a file that has gone.
            self._position = None
            return self._files.listed_after(None)

    def _judge(self, file: ListedFile) -> tuple[ListedFile, str | FlowError]:
        """Why the file is to be deleted, empty if it is not; or why that cannot be said."""
        try:
            return file, self._why_delete(file)
        except FlowError as error:
            return file, error

    def _why_delete(self, file: ListedFile) -> str:
        key = key_in(file.name, stack_mark=self._table.name)
        if key is None or file.created_at > self._now - _LEAST_AGE_SECONDS:
            return ""
        named = named_files(self._table, key)
        if file.id == named.upload:
            return ""
        if file.id != named.former:
            return "no request names it"
        if named.upload is None or named.vector_store_id is None:
            return ""
        is_replaced = self._files.can_be_searched(named.upload, named.vector_store_id)
        return "a newer version can be searched" if is_replaced else ""

    def _is_deleted(self, file: ListedFile, verdict: str | FlowError) -> bool:
        about = {"file_id": file.id, "file_name": file.name}
        try:
            if isinstance(verdict, FlowError):
                raise verdict
            if not verdict:
                return False
            self._files.delete(file.id)
        except FinalError as error:
            logger().error("file is left to a later run", extra={**about, **describe(error)})
            self._problems.append(error)
            return False
        logger().info("file deleted", extra={**about, "reason": verdict})
        count(Metric.FILES_SWEPT)
        self._deleted += 1
        return True

    def _remember(self, position: str | None) -> None:
        self._table.put({**_POSITION, "after": position})
