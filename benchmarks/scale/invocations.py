"""What one ingest invocation does with its documents: how long it takes, which batches it makes."""

from collections.abc import Sequence
from functools import cache
from heapq import heapreplace
from itertools import cycle, islice

from functions.deliveries import _MAX_THREADS
from functions.ingest.grouping import Prepared, group
from functions.ingest.ledger import Claim
from functions.messages import DownloadRequest

DOWNLOAD_SECONDS = (0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.2, 1.6, 2.2, 3.0)
UPLOAD_SECONDS = 0.8
HAND_OVER_SECONDS = 0.6


@cache
def preparation_seconds(documents: int) -> float:
    """Until all are downloaded and uploaded, as many at once as there are threads."""
    threads = [0.0] * _MAX_THREADS
    end = 0.0
    for download in islice(cycle(DOWNLOAD_SECONDS), documents):
        done = threads[0] + download + UPLOAD_SECONDS
        heapreplace(threads, done)
        end = max(end, done)
    return end


@cache
def batches(requesters: Sequence[int], *, max_files: int) -> Sequence[Sequence[int]]:
    """The places of the documents that share a file batch, by who asked for each of them."""
    prepared = [
        Prepared(request=_request(who), claim=Claim(key=str(place), owner=""))
        for place, who in enumerate(requesters)
    ]
    return [
        [int(member.claim.key) for member in made.members]
        for made in group(prepared, max_files=max_files)
    ]


@cache
def _request(who: int) -> DownloadRequest:
    domain = f"{who}.example.com"
    return DownloadRequest(
        domain=domain, type="news", url=f"https://{domain}", fallback="…", vector_store=domain
    )
