"""Values that are each allowed and together cannot work."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.problems import Problem
from infra.state_machines import (
    CHECK_TIMEOUT_SECONDS,
    COMPLETION_TIMEOUT_SECONDS,
    completion_poll_flow,
    poll_delays,
)
from infra.state_machines.history import EVENTS_A_TRY, MOST_EVENTS, worst_case_events

if TYPE_CHECKING:
    from infra.settings import Settings

# Of one execution; everything but the polling, with its own retries, stays below.
_EVENTS_ELSEWHERE = 1_000
# Of a state's input or output, and what Step Functions puts around a function's answer.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_MOST_STATE_BYTES = 256 * 1024
_STATE_BYTES_ELSEWHERE = 16 * 1024
# One of the batches in the state; OpenAI's ids are of some 40 characters.
_STATE_BYTES_A_BATCH = len(json.dumps({"batchId": "-" * 36, "openaiBatchId": "-" * 128})) + 2
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_VISIBILITY_FACTOR = 6
# As functions/clients/sqs.py has it.
_LONGEST_DELAY_SECONDS = 900
# The ingest function's threads, each with a document as it came, as text and as a request body.
_MAX_THREADS = 32
_COPIES = 3
_INTERPRETER_MEGABYTES = 200
# The process that reads a page: functions/ingest/page_process.py.
_PAGE_PROCESS_MEGABYTES = 512
# As functions/prices.py has them: by their names, or by these and a day.
_PRICED_MODELS = ("gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.4", "gpt-5.5")
_PRICED = re.compile(
    rf"({'|'.join(map(re.escape, _PRICED_MODELS))})(-\d{{4}}-\d{{2}}-\d{{2}})?", re.ASCII
)


def impossible_combinations(settings: "Settings") -> Iterator[Problem]:
    """Each combination of this stack's values that AWS would refuse or that would lose work."""
    yield from impossible_documents(settings)
    yield from impossible_labels(settings)
    yield from _projection(settings)


def impossible_documents(settings: "Settings") -> Iterator[Problem]:
    """Those of the values that the document flow is made with."""
    yield from _queues(settings)
    yield from _tries(settings)
    yield from _polling(settings)
    yield from _downloads(settings)


def _queues(s: "Settings") -> Iterator[Problem]:
    if s.ingest_batch_size > 10 and s.ingest_batch_window_seconds < 1:
        yield Problem(
            key="ingestBatchWindowSeconds",
            found=f"is {s.ingest_batch_window_seconds} with an ingestBatchSize of "
            f"{s.ingest_batch_size}",
            allowed="at least 1 where a batch has more than ten messages",
            mend=5,
        )
    for queue, timeout, window, found in (
        (
            "ingest",
            s.ingest_timeout_seconds,
            s.ingest_batch_window_seconds,
            s.ingest_visibility_timeout_seconds,
        ),
        ("analysis", s.analysis_timeout_seconds, 0, s.analysis_visibility_timeout_seconds),
    ):
        least = _VISIBILITY_FACTOR * timeout + window
        if found < least:
            yield Problem(
                key=f"{queue}VisibilityTimeoutSeconds",
                found=f"is {found} with an {queue}TimeoutSeconds of {timeout}",
                allowed=f"at least {least}: six times the function's time-out, and its window",
                mend=least,
            )


def _tries(s: "Settings") -> Iterator[Problem]:
    """A worker that could not give its lease back holds it for as long as it might have run."""
    lease = max(s.ingest_timeout_seconds, s.analysis_timeout_seconds)
    delay, receives = s.queue_retry_delay_seconds, s.queue_max_receives
    if s.stack == "local" or _waits(delay, receives) > lease:
        return
    found = f"is {{}}, so that all tries are over after {_waits(delay, receives)} seconds"
    allowed = f"tries that go on for longer than a lease, which is {lease} seconds"
    if delay:
        most = next(n for n in itertools.count(receives) if _waits(delay, n) > lease)
        yield Problem(
            key="queueMaxReceives", found=found.format(receives), allowed=allowed, mend=most
        )
    else:
        yield Problem(
            key="queueRetryDelaySeconds", found=found.format(delay), allowed=allowed, mend=30
        )


def _waits(delay: int, receives: int) -> int:
    """The seconds between the first try of a message and its last, but for the tries themselves."""
    return sum(min(delay * 2**n, _LONGEST_DELAY_SECONDS) for n in range(receives - 1))


def _polling(s: "Settings") -> Iterator[Problem]:
    interval, cap = s.vector_store_poll_interval_seconds, s.vector_store_poll_max_delay_seconds
    if s.vector_store_poll_backoff_rate > 1 and cap <= interval:
        yield Problem(
            key="vectorStorePollMaxDelaySeconds",
            found=f"is {cap} with a vectorStorePollIntervalSeconds of {interval}",
            allowed="more than the interval where the back-off rate is above 1",
            mend=interval * 10,
        )
    checks = s.vector_store_poll_max_attempts + 1
    if checks * EVENTS_A_TRY + _EVENTS_ELSEWHERE > MOST_EVENTS:
        yield Problem(
            key="vectorStorePollMaxAttempts",
            found=f"is {s.vector_store_poll_max_attempts}",
            allowed="what fits a history of 25,000 events, of which each check takes three",
            mend=(MOST_EVENTS - _EVENTS_ELSEWHERE) // EVENTS_A_TRY - 1,
        )
    window = math.ceil(sum(poll_delays(s.polling))) + checks * CHECK_TIMEOUT_SECONDS
    if s.vector_store_flow_timeout_seconds < window:
        yield Problem(
            key="vectorStoreFlowTimeoutSeconds",
            found=f"is {s.vector_store_flow_timeout_seconds}",
            allowed=f"at least {window}, the longest that the polling can take",
            mend=window,
        )


def _downloads(s: "Settings") -> Iterator[Problem]:
    if s.download_allow_loopback and s.stack != "local":
        yield Problem(
            key="downloadAllowLoopback",
            found=f"is true in stack {s.stack}",
            allowed="false in every stack but local",
            mend=False,
        )
    at_once = min(s.ingest_batch_size, _MAX_THREADS)
    documents = at_once * s.download_max_bytes * _COPIES // 1_000_000
    least = _INTERPRETER_MEGABYTES + _PAGE_PROCESS_MEGABYTES + documents
    if s.ingest_memory_megabytes < least:
        yield Problem(
            key="ingestMemoryMegabytes",
            found=f"is {s.ingest_memory_megabytes}, with {at_once} documents at once of up to "
            f"{s.download_max_bytes} bytes",
            allowed=f"at least {least}",
            mend=least,
        )
    if s.download_timeout_seconds * 2 > s.ingest_timeout_seconds:
        yield Problem(
            key="downloadTimeoutSeconds",
            found=f"is {s.download_timeout_seconds} with an ingestTimeoutSeconds of "
            f"{s.ingest_timeout_seconds}",
            allowed="at most half of it, as the fallback and the upload come after the download",
            mend=s.ingest_timeout_seconds // 2,
        )


def impossible_labels(s: "Settings") -> Iterator[Problem]:
    """Those of the values that the label completion is made with."""
    most = most_batches_a_run(s)
    if s.completion_poll_max_batches > most:
        yield Problem(
            key="completionPollMaxBatches",
            found=f"is {s.completion_poll_max_batches}",
            allowed=f"at most {most}: what fits a history of 25,000 events, with every retry, and "
            "a state of 256 KiB",
            mend=most,
        )
    if s.completion_max_cost_usd is not None and not _PRICED.fullmatch(s.completion_model):
        yield Problem(
            key="completionModel",
            found=f"is {s.completion_model!r}, of which no price is known, and "
            "completionMaxCostUsd is set",
            allowed=f"with that, {', '.join(_PRICED_MODELS)}, whose prices functions/prices.py has",
            mend=_PRICED_MODELS[0],
        )


def _projection(s: "Settings") -> Iterator[Problem]:
    if s.pinecone_api_key is not None and s.pinecone_index_host is None:
        yield Problem(
            key="pineconeIndexHost",
            found="is not set, and pineconeApiKey is",
            allowed="the host of the index, as Pinecone's console shows it",
            mend="<host>",
        )


def most_batches_a_run(s: "Settings") -> int:
    """How many batches one execution of ``CompletionPollFlow`` can have, whatever goes wrong."""
    flow = completion_poll_flow(
        polling=s.completion_polling, functions=dict.fromkeys(COMPLETION_TIMEOUT_SECONDS, "")
    )
    without = worst_case_events(flow, items=0)
    each = worst_case_events(flow, items=1) - without
    by_history = (MOST_EVENTS - 1 - without) // each
    by_state = (_MOST_STATE_BYTES - _STATE_BYTES_ELSEWHERE) // _STATE_BYTES_A_BATCH
    return min(by_history, by_state)
