"""The document flow in a few scenarios, which together make every call that it can make."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import boto3

from functions.ingest.ledger import request_key
from functions.messages import DownloadRequest
from local.standins.openai import BatchFile, BatchPlan, FileFailure, Store, StoredFile
from tests.faults import document_invariants as invariants
from tests.faults.document_production import ANALYSIS, DOWNLOAD, come_to_rest, sweep_daily
from tests.faults.schedule import Scenario
from tests.faults.world import World

NEWS, PRESS = "news/rotor.example", "press/rotor.example"
CONTRACT, QUARTER, TENDER = (
    "/press/frame-contract.txt",
    "/press/third-quarter.txt",
    "/notes/harbour-tender.txt",
)
GONE = "/gone"
_DAY = 86_400
# Those of production, where the stack ``local`` is in a hurry.
CONFIG = {"queueMaxReceives": "5", "queueRetryDelaySeconds": "30"}


def request(world: World, path: str, *, store: str = NEWS, customer: str = "") -> dict[str, Any]:
    """A message that asks for a page, on behalf of that customer."""
    return {
        "domain": "rotor.example",
        "url": world.web.url(path),
        "type": "news",
        "vectorStore": store,
        "fallback": f"What is known of {path}",
        **({"customerDomain": customer} if customer else {}),
    }


class _Documents(ABC):
    """Messages in the download queue, and what becomes of them."""

    name: str
    config: ClassVar[Mapping[str, str]] = CONFIG
    letters: ClassVar[Mapping[str, int]] = {}
    """The dead letters that there are rightly, by the stack output of their queue."""
    without_batch = 0
    """Analyses that nobody's batch is behind."""
    others: Sequence[str] = ()
    """Other people's files."""

    @abstractmethod
    def requests(self, world: World) -> Sequence[dict[str, Any]]:
        """What is asked for."""

    def prepare(self, world: World) -> None:
        """Ask."""
        for body in self.requests(world):
            world.stack.send(DOWNLOAD, body)

    def run(self, world: World) -> None:
        """Work until all is at rest. Sweep if a file is left over, as ``Refresh`` always does."""
        come_to_rest(world)
        if invariants.orphans(invariants.find(world)):
            sweep_daily(world)

    def check(self, world: World) -> None:
        """Every invariant."""
        found = invariants.find(world)
        invariants.nothing_is_under_way(found)
        invariants.no_letter_is_dead(found, self.letters)
        invariants.every_letter_has_its_reason(found)
        invariants.every_request_is_handed_over(found, self.requests(world))
        invariants.every_document_is_attached_once(found)
        invariants.every_document_was_watched_once(found)
        invariants.every_failed_file_is_known(found)
        invariants.every_batch_is_analysed_once(found, without_batch=self.without_batch)
        invariants.no_run_is_left_in_hand(found)
        invariants.no_analysis_was_paid_for_twice(found, lost_answers=len(world.seam.happened))
        invariants.no_file_belongs_to_nothing(found, self.others)


class Ingest(_Documents):
    """Two requesters share a store; a page is gone, and a message comes three times."""

    name = "documents"

    def requests(self, world: World) -> Sequence[dict[str, Any]]:
        """Two documents of one requester's, one of another's."""
        return [
            request(world, CONTRACT),
            request(world, GONE),
            request(world, CONTRACT, customer="buyer.example"),
        ]

    def prepare(self, world: World) -> None:
        """The first one is asked for twice at once."""
        super().prepare(world)
        world.stack.send(DOWNLOAD, self.requests(world)[0])

    def run(self, world: World) -> None:
        """And once more when it is done."""
        come_to_rest(world)
        world.stack.send(DOWNLOAD, self.requests(world)[0])
        super().run(world)


class ExpiredStore(_Documents):
    """OpenAI has expired the store that the ledger knows."""

    name = "expired store"

    def requests(self, world: World) -> Sequence[dict[str, Any]]:
        """One document."""
        return [request(world, CONTRACT)]

    def prepare(self, world: World) -> None:
        """Let the store have been there long ago."""
        super().prepare(world)
        expired = Store(
            id="vs_expired", name=NEWS, created_at=1, last_active_at=1, metadata={}, expires_at=2
        )
        world.openai._state.stores[expired.id] = expired
        made = {"leaseOwner": "earlier", "leaseUntil": 0, "vectorStoreId": expired.id}
        _keep_in_ledger(world, {"pk": f"STORE#{NEWS}", "sk": "STORE", **made})


class GoneFile(_Documents):
    """What an earlier worker uploaded was deleted at OpenAI."""

    name = "gone file"

    def requests(self, world: World) -> Sequence[dict[str, Any]]:
        """One document."""
        return [request(world, CONTRACT)]

    def prepare(self, world: World) -> None:
        """Let an earlier worker have come as far as the upload."""
        super().prepare(world)
        [body] = self.requests(world)
        asked = DownloadRequest.parse(body)
        upload = {"file_id": "file-gone", "file_name": "gone.txt", "sha256": "", "reason": ""}
        _keep_in_ledger(
            world,
            {
                **asked.to_wire(),
                "pk": f"REQUEST#{request_key(asked)}",
                "sk": "REQUEST",
                "status": "WORKING",
                "leaseOwner": "earlier",
                "leaseUntil": 0,
                "upload": {**upload, "source": "download", "ingested_at": "2026-01-01"},
            },
        )


class Refresh(_Documents):
    """A document is asked for again when it is old. The sweep deletes what belongs to nothing."""

    name = "refresh and sweep"
    others = ("file-other-stack", "file-other-tool", "file-no-slug")

    def requests(self, world: World) -> Sequence[dict[str, Any]]:
        """One document."""
        return [request(world, CONTRACT)]

    def prepare(self, world: World) -> None:
        """Let there be a file of ours that nobody knows, and others that look like it."""
        super().prepare(world)
        mark = f"{world.stack.output('ingestLedgerTableName')}-{'0' * 64}"
        _upload(world, "file-orphan", f"rotor-example.{mark}.md")
        for id_, name in zip(
            self.others, (f"a.other-{mark}.md", "report.pdf", f"{mark}.md"), strict=True
        ):
            _upload(world, id_, name)

    def run(self, world: World) -> None:
        """The document is ingested once more two days later."""
        come_to_rest(world)
        world.clock.pass_by(2 * _DAY)
        for body in self.requests(world):
            world.stack.send(DOWNLOAD, body)
        come_to_rest(world)
        sweep_daily(world)


class DeadLetters(_Documents):
    """A message that is none, a batch of which nothing can be indexed, and one without end."""

    name = "dead letters"
    config: ClassVar[Mapping[str, str]] = {**CONFIG, "vectorStorePollMaxAttempts": "1"}
    letters: ClassVar[Mapping[str, int]] = {
        invariants.DOWNLOAD_LETTERS: 1,
        invariants.FLOW_LETTERS: 2,
    }
    without_batch = 1

    def requests(self, world: World) -> Sequence[dict[str, Any]]:
        """Two documents for two stores."""
        return [request(world, QUARTER), request(world, TENDER, store=PRESS)]

    def prepare(self, world: World) -> None:
        """And an analysis that no batch is behind."""
        super().prepare(world)
        world.stack.send(DOWNLOAD, '{"url": "https://rotor.example/"}')
        world.stack.send(ANALYSIS, _ANALYSIS)
        world.openai.plans.add(BatchPlan(failures=[FileFailure()], when=_has(QUARTER)))
        world.openai.plans.add(BatchPlan(polls=None))


_ANALYSIS = {
    "domain": "alone.example",
    "customerDomain": "alone.example",
    "subjectType": "customer",
    "industries": [],
    "markets": [],
}
SCENARIOS: Sequence[Scenario] = (
    Ingest(),
    ExpiredStore(),
    GoneFile(),
    Refresh(),
    DeadLetters(),
)


def _has(path: str) -> Callable[[Sequence[BatchFile]], bool]:
    return lambda files: any(str(file.attributes["url"]).endswith(path) for file in files)


def _keep_in_ledger(world: World, item: Mapping[str, Any]) -> None:
    table = world.stack.output("ingestLedgerTableName")
    boto3.resource("dynamodb").Table(table).put_item(Item=dict(item))


def _upload(world: World, file_id: str, name: str) -> None:
    now = int(world.clock.now)
    world.openai._state.files[file_id] = StoredFile(
        id=file_id, filename=name, purpose="assistants", content=b"text", created_at=now
    )
