"""The analyses table: the newest analysis of each subject, and what each batch added to it.

One DynamoDB table. ``pk`` is ``DOMAIN#{domain}``; ``sk`` is ``CUSTOMER#{customer}#SUBJECT#{type}``
for the newest analysis, and that with ``#BATCH#{id}`` for the run of one batch, which keeps its own
analysis for good. A run is claimed before the model is asked, so that a message that comes twice
is worked on once.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import accumulate
from typing import Annotated, Any

from boto3.dynamodb.conditions import Attr
from pydantic import BaseModel, Field

from functions.canonical import canonical_json
from functions.clients.dynamodb import Item, Put, Table
from functions.clients.openai import Hit
from functions.errors import LeaseHeldError, LeaseLostError
from functions.items import read_item
from functions.market_analysis.research import MarketAnalysis
from functions.messages import MarketAnalysisRequest

WORKING, DONE = "WORKING", "DONE"
# An item holds 400 KB; older sources stay in the runs' own items.
_MAX_SOURCES_BYTES = 300_000
_MAX_TRIES = 5


class _Source(BaseModel):
    file_id: str
    filename: str
    url: str


class _Newest(BaseModel):
    """What a newer analysis takes over of the newest."""

    version: Annotated[int, Field(ge=1, le=10**15)]
    sources: list[_Source]


class Analyses:
    """The table in one worker's hands; its leases end at ``lease_until`` (epoch seconds)."""

    def __init__(
        self, table: Table, *, owner: str, lease_until: int, clock: Callable[[], float]
    ) -> None:
        self._table = table
        self._owner = owner
        self._lease_until = lease_until
        self._clock = clock

    def claim(self, request: MarketAnalysisRequest, run: str) -> bool:
        """Take a run in hand; False if it is done. LeaseHeldError if another worker has it."""
        key = _run_key(request, run)
        free = Attr("pk").not_exists() | (
            Attr("status").eq(WORKING) & Attr("leaseUntil").lt(int(self._clock()))
        )
        lease = {"status": WORKING, "leaseOwner": self._owner, "leaseUntil": self._lease_until}
        if self._table.put(key | lease, when=free):
            return True
        if (self._table.get(key) or {}).get("status") == DONE:
            return False
        raise LeaseHeldError(f"run {run} is in another worker's hands")

    def release(self, request: MarketAnalysisRequest, run: str) -> None:
        """Give a run up, so that the next delivery need not wait for the lease to end."""
        mine = Attr("leaseOwner").eq(self._owner) & Attr("status").eq(WORKING)
        self._table.delete(_run_key(request, run), when=mine)

    def store(
        self, request: MarketAnalysisRequest, run: str, analysis: MarketAnalysis, hits: list[Hit]
    ) -> int:
        """Make this the newest analysis and end the run, in one transaction; its version.

        InvalidItemError if the analysis before it cannot be read.
        """
        for _ in range(_MAX_TRIES):
            found = self._table.get(_newest_key(request))
            newest = read_item(_Newest, found) if found else None
            version = newest.version + 1 if newest else 1
            item = self._item(request, analysis, hits, version)
            unchanged = Attr("version").eq(newest.version) if newest else Attr("pk").not_exists()
            former = [dict(source) for source in newest.sources] if newest else []
            sources = _merged(item["sources"], former)
            refused = self._table.write_all(
                [
                    Put(item=_newest_key(request) | item | {"sources": sources}, when=unchanged),
                    Put(
                        item=_run_key(request, run) | item | {"status": DONE},
                        when=Attr("leaseOwner").eq(self._owner) & Attr("status").eq(WORKING),
                    ),
                ]
            )
            if not refused:
                return version
        raise LeaseLostError(f"run {run} was taken over, or its subject is written by too many")

    def _item(
        self,
        request: MarketAnalysisRequest,
        analysis: MarketAnalysis,
        hits: list[Hit],
        version: int,
    ) -> Item:
        return request.to_wire() | {
            "analysis": analysis.model_dump(),
            "sources": [asdict(hit) for hit in {hit.file_id: hit for hit in hits}.values()],
            "version": version,
            "analysedAt": int(self._clock()),
        }


def _merged(
    new: Sequence[dict[str, Any]], former: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """This batch's sources, then those of the batches before it, as many as fit."""
    known = {source["file_id"] for source in new}
    sources = [*new, *(source for source in former if source["file_id"] not in known)]
    sizes = accumulate(len(canonical_json(source).encode()) for source in sources)
    return [
        source for source, size in zip(sources, sizes, strict=True) if size <= _MAX_SOURCES_BYTES
    ]


def _newest_key(request: MarketAnalysisRequest) -> dict[str, str]:
    return {
        "pk": f"DOMAIN#{request.domain}",
        "sk": f"CUSTOMER#{request.customer_domain}#SUBJECT#{request.subject_type}",
    }


def _run_key(request: MarketAnalysisRequest, run: str) -> dict[str, str]:
    newest = _newest_key(request)
    return newest | {"sk": f"{newest['sk']}#{run}"}
