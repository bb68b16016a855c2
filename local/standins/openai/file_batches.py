"""File batches: https://platform.openai.com/docs/api-reference/vector-stores-file-batches."""

from collections.abc import Mapping, Sequence
from typing import Any

from openai.types import StaticFileChunkingStrategy
from openai.types.vector_stores.file_batch_create_params import File, FileBatchCreateParams

from local.standins.openai import checks
from local.standins.openai.checks import Attributes
from local.standins.openai.documents import refusal
from local.standins.openai.errors import invalid, not_found
from local.standins.openai.pages import Page
from local.standins.openai.plans import BatchFile, FileFailure, Plans
from local.standins.openai.records import Attachment, FileBatch, StoredFile, new_id
from local.standins.openai.requests import ApiRequest
from local.standins.openai.routes import Reply, Route
from local.standins.openai.state import State
from local.standins.openai.store_files import attachments_page

MAX_FILES = 2000
_PATH = "/vector_stores/<vector_store_id>/file_batches"


class FileBatches:
    """Attaching many files at once. A batch moves on each time it is retrieved, as planned."""

    def __init__(self, state: State, plans: Plans) -> None:
        self._state = state
        self._plans = plans

    def routes(self) -> Sequence[Route]:
        """Its operations."""
        one, prefix = f"{_PATH}/<batch_id>", "vector_stores.file_batches"
        return (
            Route(f"{prefix}.create", "POST", _PATH, self.create),
            Route(f"{prefix}.retrieve", "GET", one, self.retrieve),
            Route(f"{prefix}.cancel", "POST", f"{one}/cancel", self.cancel),
            Route(f"{prefix}.list_files", "GET", f"{one}/files", self.list_files),
        )

    def create(self, request: ApiRequest) -> Reply:
        """Attach all the files named, or, if anything is wrong, none."""
        checks.known_only(request.body, FileBatchCreateParams.__annotations__)
        entries = _entries(request.body)
        store = self._state.live_store(request.ids["vector_store_id"])
        found = [
            (self._state.file(file_id, "file_ids"), attributes, chunking)
            for file_id, attributes, chunking in entries
        ]
        files = [_as_seen(file, attributes) for file, attributes, _ in found]
        batch = FileBatch(
            id=new_id("vsfb_"),
            store_id=store.id,
            created_at=self._state.now(),
            attachments={
                file.id: self._state.attach(store, file, attributes, chunking)
                for file, attributes, chunking in found
            },
            plan=self._plans.choose(files),
        )
        self._state.batches[batch.id] = batch
        return batch.to_wire()

    def retrieve(self, request: ApiRequest) -> Reply:
        """The batch, a step further; or the store in its place where the plan says so."""
        batch = self._batch(request)
        batch.polls += 1
        if batch.status == "in_progress":
            advance(batch)
        polls, wrong = batch.plan.polls, batch.plan.wrong_objects
        if batch.status != "in_progress" and (
            wrong is None or (polls is not None and 0 < batch.polls - polls <= wrong)
        ):
            return self._state.store(batch.store_id).to_wire(self._state.now())
        return batch.to_wire()

    def cancel(self, request: ApiRequest) -> Reply:
        """End the batch now; one that has ended stays as it is."""
        batch = self._batch(request)
        if batch.status == "in_progress":
            batch.status = "cancelled"
            for attachment in _unsettled(batch):
                attachment.status = "cancelled"
        return batch.to_wire()

    def list_files(self, request: ApiRequest) -> Page:
        """The batch's files that are still attached, of one status if asked."""
        batch = self._batch(request)
        still_there = self._state.store(batch.store_id).attachments
        return attachments_page(
            [item for item in batch.attachments.values() if item.id in still_there], request.query
        )

    def _batch(self, request: ApiRequest) -> FileBatch:
        store = self._state.store(request.ids["vector_store_id"])
        batch_id = checks.prefixed(request.ids["batch_id"], "vsfb_", "batch_id")
        batch = self._state.batches.get(batch_id)
        if batch is None or batch.store_id != store.id:
            message = f"No file batch found with id '{batch_id}' in vector store '{store.id}'."
            raise not_found(message, "batch_id")
        return batch


def advance(batch: FileBatch) -> None:
    """Move ``batch`` on after one more retrieve, as its plan says."""
    plan = batch.plan
    if plan.polls is None:
        return
    is_over = batch.polls > plan.polls
    if plan.status == "completed":
        total = len(batch.attachments)
        due = total if is_over else total * batch.polls // (plan.polls + 1)
        for attachment in list(batch.attachments.values())[:due]:
            if attachment.status == "in_progress":
                seen = _as_seen(attachment.file, attachment.attributes)
                attachment.settle(plan.failure(seen) or refusal(attachment.file))
    elif is_over:
        for attachment in _unsettled(batch):
            attachment.status = plan.status
            if plan.status == "failed":
                seen = _as_seen(attachment.file, attachment.attributes)
                attachment.last_error = plan.failure(seen) or FileFailure().error()
    if is_over:
        batch.status = plan.status


def _unsettled(batch: FileBatch) -> list[Attachment]:
    return [item for item in batch.attachments.values() if item.status == "in_progress"]


def _as_seen(file: StoredFile, attributes: Attributes) -> BatchFile:
    return BatchFile(
        id=file.id, filename=file.filename, attributes=attributes, content=file.content
    )


def _entries(
    body: Mapping[str, Any],
) -> list[tuple[str, Attributes, StaticFileChunkingStrategy]]:
    """File id, attributes and chunking of each file; the last word on a file named twice."""
    if "files" in body and "file_ids" in body:
        raise invalid("'file_ids' and 'files' are mutually exclusive.", "files")
    if "files" in body:
        items = checks.array(body["files"], "files", MAX_FILES)
        entries = [_entry(item, f"files[{index}]") for index, item in enumerate(items)]
    elif "file_ids" in body:
        attributes = checks.attributes(body.get("attributes"))
        chunking = checks.chunking_strategy(body.get("chunking_strategy"))
        ids = checks.array(body["file_ids"], "file_ids", MAX_FILES)
        entries = [(checks.text(item, "file_ids"), dict(attributes), chunking) for item in ids]
    else:
        raise checks.missing("file_ids")
    return list({entry[0]: entry for entry in entries}.values())


def _entry(item: Any, param: str) -> tuple[str, Attributes, StaticFileChunkingStrategy]:
    item = checks.mapping(item, param)
    checks.known_only(item, File.__annotations__)
    if "file_id" not in item:
        raise checks.missing(f"{param}.file_id")
    return (
        checks.text(item["file_id"], f"{param}.file_id"),
        checks.attributes(item.get("attributes"), f"{param}.attributes"),
        checks.chunking_strategy(item.get("chunking_strategy"), f"{param}.chunking_strategy"),
    )
