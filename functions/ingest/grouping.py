"""Which uploads share a file batch: those of one vector store *and* one request context.

Two requesters who share a vector store each get a batch of their own, and so each their own
notification.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.canonical import canonical_json
from functions.ingest.ledger import Claim
from functions.messages import DownloadRequest, RequestContext


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request whose document is at OpenAI."""

    request: DownloadRequest
    claim: Claim
    requested_at: int | None = None
    """When its oldest message came, in Unix seconds."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Requests that share a file batch: one to be made, or one that an earlier worker made."""

    vector_store_name: str
    context: RequestContext
    members: Sequence[Prepared]

    @property
    def requested_at(self) -> int | None:
        """When the oldest message of all came."""
        times = [each.requested_at for each in self.members if each.requested_at is not None]
        return min(times, default=None)


def group(prepared: Sequence[Prepared], *, max_files: int) -> list[Group]:
    """Groups of at most ``max_files``, in the order in which their first members came."""
    together: dict[tuple[str, ...], list[Prepared]] = {}
    for each in prepared:
        made = each.claim.batch.batch_id if each.claim.batch else ""
        context = canonical_json(each.request.context.to_wire())
        together.setdefault((each.request.vector_store, context, made), []).append(each)
    return [
        Group(
            vector_store_name=members[0].request.vector_store,
            context=members[0].request.context,
            members=members[start : start + max_files],
        )
        for members in together.values()
        for start in range(0, len(members), max_files)
    ]
