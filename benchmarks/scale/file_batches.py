"""A file batch of OpenAI's, as ``CheckBatchStatus`` sees it."""

from functools import cache

from functions.clients.openai import FileBatch, OpenAIService
from functions.errors import BatchPending
from functions.messages import FileBatchRef, RequestContext
from functions.vector_store_batch.check import check_batch

_REF = FileBatchRef(
    vector_store_id="vs_1",
    vector_store_name="store",
    batch_id="vsfb_1",
    context=RequestContext(domain="example.com", type="news"),
)


@cache
def has_completed(files: int, *, is_indexed: bool) -> bool:
    """What a check finds of a batch of so many files."""
    try:
        check_batch(
            _REF, openai=_OneBatch(files, files * is_indexed), record_failure=lambda _: None
        )
    except BatchPending:
        return False
    return True


class _OneBatch(OpenAIService):
    """OpenAI, as far as it knows one file batch."""

    def __init__(self, files: int, done: int) -> None:
        self._done = done
        self._files = files

    def file_batch(self, _vector_store_id: str, _batch_id: str) -> FileBatch:
        """How it stands."""
        return FileBatch(
            status="completed" if self._done else "in_progress",
            in_progress=self._files - self._done,
            completed=self._done,
            failed=0,
            cancelled=0,
            total=self._files,
        )
