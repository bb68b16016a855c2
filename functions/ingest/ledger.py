"""What was done for which request, so that a message that comes again repeats nothing.

One DynamoDB table, ``pk`` / ``sk`` (``functions.deliveries`` keeps the reasons of failed messages
in it too):

==================  =============  ==============================================================
``REQUEST#{key}``   ``REQUEST``    a request: its lease, upload, batch, and what failed of it;
                                   as ``formerUpload``, the document from before a refresh
``WORKER#{owner}``  ``BATCH#{id}`` a file batch that an invocation made, with the keys it holds
``STORE#{name}``    ``STORE``      a vector store's id, or who is making it
``SWEEP``           ``POSITION``   where the next sweep goes on (``functions.sweep``)
==================  =============  ==============================================================

The one write that decides is ``record_batch``: before it, a second try makes a new batch of the
same uploads; after it, a second try goes on with that batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from boto3.dynamodb.conditions import Attr, Key
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from functions.canonical import digest
from functions.clients.dynamodb import Table
from functions.deliveries import KEEP_SECONDS
from functions.errors import LeaseHeldError, LeaseLostError
from functions.excerpts import excerpt
from functions.items import read_item
from functions.messages import DownloadRequest, Name, OpenAIId, UnixSeconds

WORKING, HANDED_OVER = "WORKING", "HANDED_OVER"

_Seconds = Annotated[int, Field(ge=0, le=10**15)]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A document at OpenAI: where from, and why a fallback took its place (else empty)."""

    file_id: OpenAIId
    file_name: str
    sha256: str
    source: str
    reason: str
    ingested_at: str


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A file batch of one vector store and context."""

    batch_id: OpenAIId
    vector_store_id: OpenAIId
    vector_store_name: Name
    requested_at: UnixSeconds | None = None
    """When its oldest message came. It goes into the execution's input, which has to be the same
    whenever the batch is handed over, and another delivery may bring fewer of its messages."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A request in this worker's hands, and how far an earlier worker got with it."""

    key: str
    owner: str
    upload: Upload | None = None
    batch: Batch | None = None


@dataclass(frozen=True, kw_only=True)
class NamedFiles:
    """The files at OpenAI that a request's entry names, by id."""

    upload: str | None = None
    former: str | None = None
    vector_store_id: str | None = None
    """Where the upload was attached; None until it is handed over."""


class _Held(BaseModel):
    """What every entry of a request says."""

    model_config = ConfigDict(alias_generator=to_camel)

    lease_owner: Name
    lease_until: _Seconds
    former_upload: Upload | None = None


class _Working(_Held):
    """An entry that is in hand, or given up."""

    status: Literal["WORKING"]
    upload: Upload | None = None
    batch: Batch | None = None


class _FileFailure(BaseModel):
    batch_id: Annotated[str, Field(alias="batchId")]


class _HandedOver(_Held):
    status: Literal["HANDED_OVER"]
    handed_over_at: _Seconds
    upload: Upload
    batch: Batch
    file_failure: _FileFailure | None = None

    @property
    def has_failed(self) -> bool:
        """Whether the batch is known to have failed to index the file."""
        return self.file_failure is not None and self.file_failure.batch_id == self.batch.batch_id


class _Holding(BaseModel):
    requests: list[str]


class _Made(_Holding):
    """A file batch, under the name of the worker that made it."""

    batch: Batch


def request_key(request: DownloadRequest) -> str:
    """The ledger's key of a request, in 64 hex digits.

    A redriven message has a new SQS id, so the key is made of the body; where the producer named
    the request, the fallback's text may differ from one try to the next.
    """
    body = request.to_wire()
    if request.request_id is not None:
        del body["fallback"]
    return digest(body)


class Ledger:
    """The ledger in one worker's hands.

    ``owner`` names the invocation; its leases end at ``lease_until`` (epoch seconds), when the
    invocation cannot be running any more. A request handed over longer ago than
    ``refresh_after_seconds`` is done afresh.
    """

    def __init__(
        self,
        table: Table,
        *,
        owner: str,
        lease_until: int,
        refresh_after_seconds: int,
        clock: Callable[[], float],
    ) -> None:
        self._table = table
        self._owner = owner
        self._lease_until = lease_until
        self._refresh_after = refresh_after_seconds
        self._clock = clock

    def claim(self, key: str, request: DownloadRequest) -> Claim | None:
        """Take a request in hand; None if it was handed over before.

        LeaseHeldError if another worker has it, InvalidItemError if its entry cannot be read.
        """
        lease = {"status": WORKING, "leaseOwner": self._owner, "leaseUntil": self._lease_until}
        about = request.to_wire()
        del about["fallback"]
        if self._table.put(_request_id(key) | about | lease, when=Attr("pk").not_exists()):
            return Claim(key=key, owner=self._owner)
        entry = _entry(self._table, key)
        if entry is None:
            raise LeaseHeldError(f"the entry of request {key} has just gone")
        unchanged = _held_as(entry)
        if isinstance(entry, _HandedOver):
            if self._now() < entry.handed_over_at + self._refresh_after:
                return None
            # It is searched until the new one can be; if it failed, the one before it still is.
            former = {} if entry.has_failed else {"formerUpload": asdict(entry.upload)}
            taken = self._table.update(
                _request_id(key),
                lease | former,
                remove=("upload", "batch", "handedOverAt", "fileFailure"),
                when=unchanged,
            )
            claim = Claim(key=key, owner=self._owner)
        else:
            if entry.lease_until > self._now():
                raise LeaseHeldError(f"request {key} is in another worker's hands")
            claim = self._resume(key, entry)
            batch = {"batch": asdict(claim.batch)} if claim.batch else {}
            taken = self._table.update(_request_id(key), lease | batch, when=unchanged)
        if not taken:
            raise LeaseHeldError(f"request {key} was taken by another worker")
        return claim

    def record_upload(self, claim: Claim, upload: Upload) -> Claim:
        """Remember an upload, which from here on is not repeated."""
        self._update_mine(claim, {"upload": asdict(upload)})
        return replace(claim, upload=upload)

    def forget_upload(self, claim: Claim) -> None:
        """An upload that OpenAI has no more is to be repeated."""
        self._update_mine(claim, {"failure": "the uploaded file has gone"}, remove=("upload",))

    def record_batch(self, batch: Batch, claims: Sequence[Claim]) -> None:
        """Remember, in one write, which requests a new file batch holds."""
        self._table.put(
            {
                "pk": f"WORKER#{self._owner}",
                "sk": f"BATCH#{batch.batch_id}",
                "batch": asdict(batch),
                "requests": [claim.key for claim in claims],
                "expiresAt": self._now() + KEEP_SECONDS,
            }
        )

    def record_handed_over(self, claim: Claim, batch: Batch) -> None:
        """The batch's execution was started: the request is done."""
        done = {"status": HANDED_OVER, "handedOverAt": self._now(), "batch": asdict(batch)}
        self._update_mine(claim, done, remove=("failure",))

    def release(self, key: str, failure: str) -> None:
        """Give a request up, so that the next delivery need not wait for the lease to end."""
        self._table.update(
            _request_id(key),
            {"leaseUntil": 0, "failure": excerpt(failure)},
            when=Attr("leaseOwner").eq(self._owner) & Attr("status").eq(WORKING),
        )

    def _resume(self, key: str, entry: _Working) -> Claim:
        """How far the earlier worker got; its batch may be recorded only under its own name."""
        batch = entry.batch
        if entry.upload is not None and batch is None:
            made = list(self._table.query(Key("pk").eq(f"WORKER#{entry.lease_owner}")))
            holding = (row for row in made if key in read_item(_Holding, row).requests)
            batch = next((read_item(_Made, row).batch for row in holding), None)
        return Claim(key=key, owner=self._owner, upload=entry.upload, batch=batch)

    def _update_mine(
        self, claim: Claim, changes: dict[str, Any], *, remove: Sequence[str] = ()
    ) -> None:
        mine = Attr("leaseOwner").eq(claim.owner) & Attr("status").eq(WORKING)
        if not self._table.update(_request_id(claim.key), changes, remove=remove, when=mine):
            raise LeaseLostError(f"request {claim.key} was taken over by another worker")

    def _now(self) -> int:
        return int(self._clock())


def record_file_failure(table: Table, key: str, *, batch_id: str, code: str, message: str) -> None:
    """Remember that a request's file could not be indexed, and why."""
    table.update(
        _request_id(key),
        {"fileFailure": {"batchId": batch_id, "code": code, "message": message}},
        when=Attr("pk").exists(),
    )


def named_files(table: Table, key: str) -> NamedFiles:
    """The files that a request's entry names, if it has one. InvalidItemError."""
    entry = _entry(table, key)
    if entry is None:
        return NamedFiles()
    return NamedFiles(
        upload=entry.upload.file_id if entry.upload else None,
        former=entry.former_upload.file_id if entry.former_upload else None,
        vector_store_id=entry.batch.vector_store_id if isinstance(entry, _HandedOver) else None,
    )


def _entry(table: Table, key: str) -> _Working | _HandedOver | None:
    item = table.get(_request_id(key))
    if item is None:
        return None
    if item.get("status") == HANDED_OVER:
        return read_item(_HandedOver, item)
    return read_item(_Working, item)


def _request_id(key: str) -> dict[str, str]:
    return {"pk": f"REQUEST#{key}", "sk": "REQUEST"}


def _held_as(entry: _Working | _HandedOver) -> Any:
    """The condition that nobody has touched a request since it was read."""
    return (
        Attr("leaseOwner").eq(entry.lease_owner)
        & Attr("leaseUntil").eq(entry.lease_until)
        & Attr("status").eq(entry.status)
    )
