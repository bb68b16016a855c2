"""How often OpenAI is called for many documents in a few stores."""

from collections import Counter
from collections.abc import Sequence

import httpx2
from openai import OpenAI

from benchmarks.row import Goal, Row
from benchmarks.servers import dynamodb, outside
from benchmarks.servers.outside import API_KEY, Latencies, Outside
from benchmarks.work.ingesting import Ingesting
from functions.ingest.pages import read_page

_DOCUMENTS, _STORES = 100, 5
_CHARACTERS = 1_000
# As Pulumi.yaml has ingestBatchSize.
_RECORDS = 10
_DETAILS = """\
The requests that came to OpenAI, counted where they arrive, for {documents} documents spread over
{stores} vector stores that the ingest ledger knows. A store that it does not know costs two calls
more, once: a first document in each of the {stores} took {first}. The loop uploads, lists the
stores, all on one page, and attaches. Both left the same documents in their stores.

N + S is one event with all {documents} messages. As events of {records}, each with documents of
every store, it was {split} calls: each event makes a file batch a store. So does each requester of
a store, as no two of them share a batch.
"""

Document = tuple[str, str]
"""A URL, and the name of its store."""


def each_attached(documents: Sequence[Document], *, client: OpenAI) -> None:
    """Each document uploaded and attached to the store that is found by its name."""
    with httpx2.Client(follow_redirects=True) as web:
        for url, store_name in documents:
            html = web.get(url).raise_for_status().text
            document = ("page.md", read_page(html).markdown.encode(), "text/markdown")
            file = client.files.create(file=document, purpose="assistants")
            named = (store for store in client.vector_stores.list() if store.name == store_name)
            store = next(named, None) or client.vector_stores.create(name=store_name)
            client.vector_stores.files.create(store.id, file_id=file.id, attributes={"url": url})


def measure() -> Row:
    """The calls of one event, of the loop, and of the same documents in events of ten."""
    with (
        dynamodb.running(0),
        outside.running(Latencies()) as world,
        OpenAI(base_url=world.openai_url, api_key=API_KEY) as client,
    ):
        function = Ingesting(world)

        def documents(prefix: str, numbers: range) -> list[Document]:
            return [
                (world.page_url(n, characters=_CHARACTERS), f"{prefix}-{n % _STORES}")
                for n in numbers
            ]

        first, rest = range(_STORES), range(_STORES, _STORES + _DOCUMENTS)
        each_attached(documents("listed", first), client=client)
        world.calls()
        each_attached(documents("listed", rest), client=client)
        baseline = world.calls()
        function.invoke(documents("known", first))
        unknown = world.calls()
        function.invoke(documents("known", rest))
        ours = world.calls()
        _check(world)
        for start in range(rest.stop, rest.stop + _DOCUMENTS, _RECORDS):
            function.invoke(documents("known", range(start, start + _RECORDS)))
        split = world.calls()
    return Row(
        what=f"OpenAI calls for {_DOCUMENTS} documents in {_STORES} known stores",
        baseline=f"upload, list stores, attach: {baseline.total()}",
        ours=f"{ours.total()}",
        goals=(_goal(ours),),
        details=_DETAILS.format(
            documents=_DOCUMENTS,
            stores=_STORES,
            records=_RECORDS,
            first=unknown.total(),
            split=split.total(),
        ),
    )


def _goal(calls: Counter[str]) -> Goal:
    wanted = _DOCUMENTS + _STORES
    return Goal(
        to_reach=f"N + S = {wanted}",
        measured=f"{calls.total()}",
        is_reached=calls.total() <= wanted,
    )


def _check(world: Outside) -> None:
    for number in range(_STORES):
        listed, known = (world.documents(f"{prefix}-{number}") for prefix in ("listed", "known"))
        if not (listed == known and len(known) == 1 + _DOCUMENTS // _STORES):
            raise RuntimeError(f"store {number}: {len(listed)} listed, {len(known)} known")
