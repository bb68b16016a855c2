"""The documents of one SQS event: one after another, and as the ingest function takes them."""

import itertools
import time
from collections.abc import Sequence

import httpx2
from openai import OpenAI

from benchmarks.row import Row, fastest, seconds, times_faster, under
from benchmarks.servers import dynamodb, outside
from benchmarks.servers.outside import API_KEY, Latencies, Outside
from benchmarks.work.ingesting import Ingesting
from functions.ingest.pages import read_page

_RECORDS = 10
_LATENCIES = Latencies(download=0.2, upload=0.3, openai=0.1, aws=0.02)
_LEDGER_SECONDS = 0.005
_TIMES = 3
_SHORT, _LONG = 5_000, 30_000
_LISTED, _KNOWN = "news/listed", "news/known"
_DETAILS = """\
An SQS event of {records} web pages of {short:,} characters, for one vector store that the ledger
knows. The handler as shipped, in a process that has had an event before, makes one file batch of
them and starts its execution. A download takes 200 ms, an upload 300 ms, any other call of OpenAI's
100 ms, one of DynamoDB 5 ms and the start of an execution 20 ms: on loopback, in processes of their
own. The loop downloads, converts with the same code, uploads, lists the stores to find its own, and
attaches; it keeps no ledger and starts nothing. Both left the same documents in their stores.

The slowest record is one alone, through the same handler: {alone:.2f} s, of which its download, its
upload and the file batch are 0.6 s. The event took {beside_bare:.2f} times the bare 0.5 s of
download and upload; the function's own process was busy for {busy:.2f} s of it, and of that, says
py-spy, a third is botocore's work for the ledger and a sixth the SDK's for the uploads. A process
beside it reads the pages, one after another, and there the processor is the limit: {records} pages
of {long:,} characters took {long_together:.2f} s, one alone {long_alone:.2f} s.
"""


def one_after_another(urls: Sequence[str], *, store_name: str, client: OpenAI) -> None:
    """Each document downloaded, uploaded and attached to the store that is found by its name."""
    with httpx2.Client(follow_redirects=True) as web:
        for url in urls:
            html = web.get(url).raise_for_status().text
            document = ("page.md", read_page(html).markdown.encode(), "text/markdown")
            file = client.files.create(file=document, purpose="assistants")
            named = (store for store in client.vector_stores.list() if store.name == store_name)
            store = next(named, None) or client.vector_stores.create(name=store_name)
            client.vector_stores.files.create(store.id, file_id=file.id, attributes={"url": url})


class _Events:
    """Events with documents that are new, for a store that the ledger knows."""

    def __init__(self, world: Outside) -> None:
        self._world = world
        self._function = Ingesting(world)
        self._numbers = itertools.count(_RECORDS + 1)

    def ingest(self, urls: Sequence[str]) -> None:
        self._function.invoke([(url, _KNOWN) for url in urls])

    def seconds(self, records: int, *, characters: int, times: int) -> float:
        """Of the least disturbed of several."""
        return fastest(lambda: self._ingest_new(records, characters), times=times)

    def _ingest_new(self, records: int, characters: int) -> None:
        numbers = itertools.islice(self._numbers, records)
        self.ingest([self._world.page_url(number, characters=characters) for number in numbers])


def measure() -> Row:
    """An event's time beside the loop's, and beside that of one document alone."""
    with (
        dynamodb.running(_LEDGER_SECONDS),
        outside.running(_LATENCIES) as world,
        OpenAI(base_url=world.openai_url, api_key=API_KEY) as client,
    ):
        events = _Events(world)
        first, *urls = [world.page_url(n, characters=_SHORT) for n in range(_RECORDS + 1)]
        # Which makes the stores, and connections.
        one_after_another([first], store_name=_LISTED, client=client)
        events.ingest([first])
        baseline, _ = seconds(lambda: one_after_another(urls, store_name=_LISTED, client=client))
        events.ingest(urls)
        _check(world.documents(_LISTED), world.documents(_KNOWN))
        began = time.process_time()
        together = events.seconds(_RECORDS, characters=_SHORT, times=_TIMES)
        busy = (time.process_time() - began) / _TIMES
        alone = events.seconds(1, characters=_SHORT, times=_TIMES)
        long_together = events.seconds(_RECORDS, characters=_LONG, times=1)
        long_alone = events.seconds(1, characters=_LONG, times=1)
    bare = _LATENCIES.download + _LATENCIES.upload
    return Row(
        what=f"ingest of {_RECORDS} records, 200 ms download, 300 ms upload",
        baseline=f"one after another, each attached: {baseline:.2f} s",
        ours=f"{together:.2f} s",
        goals=(
            under(1.3, measured=together / alone, unit="× the slowest record"),
            times_faster(8, baseline=baseline, ours=together),
        ),
        details=_DETAILS.format(
            records=_RECORDS,
            short=_SHORT,
            long=_LONG,
            alone=alone,
            busy=busy,
            beside_bare=together / bare,
            long_together=long_together,
            long_alone=long_alone,
        ),
    )


def _check(listed: Sequence[str], known: Sequence[str]) -> None:
    if not (listed == known and len(known) == _RECORDS + 1):
        raise RuntimeError(f"not the same: {len(listed)} documents listed, {len(known)} known")
