"""The numbers of ``CompletionPollFlow``, read off its definition and the functions it calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.completions.collection.listing import _AT_ONCE
from functions.completions.projection.pace import Pace
from functions.completions.projection.projecting import _LAST_CALLS_SECONDS, _THREADS
from infra.settings import Settings
from infra.state_machines import COMPLETION_TIMEOUT_SECONDS, completion_poll_flow

STATUS_SECONDS = 0.1
"""One call that asks OpenAI for a job."""
COLLECT_SECONDS = 0.002
"""A line."""
APPLY_SECONDS = 0.002
"""A label, but for waiting until DynamoDB takes it."""
FINISH_SECONDS = 0.000_05
"""A label's record that is counted."""
PINECONE_SECONDS = 0.02
"""An update."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What a run of the flow may do at once, and how long."""

    batches_at_once: int
    chunks_at_once: int
    run_seconds: int
    apply_seconds: int
    retry_waits: tuple[float, ...]
    """Between the tries of a function, of waits of random length the mean."""
    project_seconds: int
    """That one call of ``project`` writes for."""
    words_a_second: float


def steps(settings: Settings) -> Steps:
    """As these settings make them."""
    functions = dict.fromkeys(COMPLETION_TIMEOUT_SECONDS, "")
    flow = completion_poll_flow(polling=settings.completion_polling, functions=functions)
    every = flow["States"]["ForEachBatch"]
    chunks = every["ItemProcessor"]["States"]["ApplyChunks"]
    apply = chunks["ItemProcessor"]["States"]["Apply"]
    return Steps(
        batches_at_once=every["MaxConcurrency"],
        chunks_at_once=chunks["MaxConcurrency"],
        run_seconds=flow["TimeoutSeconds"],
        apply_seconds=apply["TimeoutSeconds"],
        retry_waits=_waits(apply["Retry"][0]),
        project_seconds=flow["States"]["Project"]["TimeoutSeconds"] - _LAST_CALLS_SECONDS,
        words_a_second=min(
            _turns(settings.pinecone_updates_per_second, seconds=20) / 20,
            _THREADS / PINECONE_SECONDS,
        ),
    )


def listing_seconds(pending: int) -> float:
    """Until the jobs of all pending batches are looked at."""
    return STATUS_SECONDS * -(-pending // _AT_ONCE)


def _waits(retrier: Mapping[str, Any]) -> tuple[float, ...]:
    if retrier["JitterStrategy"] != "FULL":
        raise ValueError(f"no jitter that is simulated: {retrier['JitterStrategy']}")
    longest = (
        min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** n, retrier["MaxDelaySeconds"])
        for n in range(retrier["MaxAttempts"])
    )
    return tuple(wait / 2 for wait in longest)


def _turns(per_second: int, *, seconds: float) -> int:
    """How many the pace gives to writers that are always ready."""
    clock = _Clock()
    pace = Pace(per_second, clock=lambda: clock.now, sleep=clock.sleep)
    turns = 0
    pace.turn()
    while clock.now < seconds:
        turns += 1
        pace.turn()
    return turns


class _Clock:
    now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
