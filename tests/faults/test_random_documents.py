"""Documents under whatever faults are drawn: many messages, two workers, no order to rely on.

Sequences that once went wrong are tests of their own.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from local.standins.openai import BatchPlan, FileFailure
from tests.faults import document_invariants as invariants
from tests.faults.deployed import FunctionError
from tests.faults.document_production import (
    ANALYSE,
    ANALYSIS,
    DOWNLOAD,
    INGEST,
    SWEEP,
    come_to_rest,
    deliver,
    feed,
    run_next_execution,
    sweep_daily,
)
from tests.faults.documents import CONFIG, CONTRACT, GONE, NEWS, PRESS, QUARTER, request
from tests.faults.seam import Fault, Point, faults_of
from tests.faults.world import NewWorld, World, worlds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

MOST_RECEIVES = int(CONFIG["queueMaxReceives"])
# With the longest leases that there are, which all tries of a message do not outlast.
LONG_LEASES = {
    "ingestTimeoutSeconds": "900",
    "ingestVisibilityTimeoutSeconds": "5500",
    "analysisTimeoutSeconds": "900",
    "analysisVisibilityTimeoutSeconds": "5400",
}
CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
BAD_BATCHES = {
    "fails": BatchPlan(status="failed", times=1),
    "has no end": BatchPlan(polls=None, times=1),
    "indexes nothing": BatchPlan(failures=[FileFailure()], times=1),
    "goes fast": BatchPlan(polls=0, times=1),
}


@dataclass(frozen=True)
class Trouble:
    """At the ``at``-th call from now something happens: a fault, or another worker's turn."""

    at: int
    what: Fault | str


class DocumentFlow(RuleBasedStateMachine):
    """Production in any order. What it comes to is checked when all is at rest again."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.asked: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.crashes = 0
        self.others: Mapping[str, Callable[[], object]] = {
            "ingest": lambda: self._work(INGEST, lambda: deliver(world, DOWNLOAD)),
            "analyse": lambda: self._work(ANALYSE, lambda: deliver(world, ANALYSIS)),
            "sweep": lambda: self._work(SWEEP, self._sweep),
        }

    troubles = st.none() | st.builds(
        Trouble,
        st.integers(1, 20),
        st.sampled_from(Fault) | st.sampled_from(["ingest", "analyse", "sweep"]),
    )

    @rule(
        path=st.sampled_from([CONTRACT, QUARTER, GONE]),
        store=st.sampled_from([NEWS, PRESS]),
        customer=st.sampled_from(["", "buyer.example"]),
        times=st.integers(1, 2),
    )
    def ask(self, path: str, store: str, customer: str, times: int) -> None:
        """Send a message, or the same one twice."""
        body = request(self.world, path, store=store, customer=customer)
        self.asked.append(body)
        for _ in range(times):
            self.world.stack.send(DOWNLOAD, body)

    @rule(most=st.integers(1, 10), backwards=st.booleans(), trouble=troubles)
    def ingest(self, most: int, backwards: bool, trouble: Trouble | None) -> None:
        """An event of some messages, in some order."""
        records = self.world.stack.receive(self.world.stack.output(DOWNLOAD), most)
        self.received += records
        with self._troubled(trouble):
            feed(self.world, DOWNLOAD, records[:: -1 if backwards else 1])

    @rule(which=st.integers(0, 20), trouble=troubles)
    def ingest_again(self, which: int, trouble: Trouble | None) -> None:
        """SQS delivers a message once more, whatever became of it."""
        if self.received:
            with self._troubled(trouble):
                feed(self.world, DOWNLOAD, [self.received[which % len(self.received)]])

    @rule(trouble=troubles)
    def run_execution(self, trouble: Trouble | None) -> None:
        """The next execution, from its start to its end."""
        with self._troubled(trouble):
            run_next_execution(self.world)

    @rule(trouble=troubles)
    def analyse(self, trouble: Trouble | None) -> None:
        """The next analysis."""
        with self._troubled(trouble):
            deliver(self.world, ANALYSIS)

    @rule(trouble=troubles)
    def sweep(self, trouble: Trouble | None) -> None:
        """Today's sweep."""
        with self._troubled(trouble):
            self._sweep()

    @rule(seconds=st.sampled_from([1, 40, 910, 5_600, 90_000]))
    def wait(self, seconds: int) -> None:
        """Until a back-off, a lease, a visibility timeout or a request's freshness is over."""
        self.world.clock.pass_by(seconds)

    @rule(how=st.sampled_from(list(BAD_BATCHES)))
    def let_a_batch_go(self, how: str) -> None:
        """The next file batch at OpenAI goes otherwise than usual."""
        self.world.openai.plans.add(BAD_BATCHES[how])

    def teardown(self) -> None:
        """Let everything come to rest, and look at all of it."""
        come_to_rest(self.world)
        sweep_daily(self.world)
        found = invariants.find(self.world)
        invariants.nothing_is_under_way(found)
        for queue in (invariants.DOWNLOAD_LETTERS, invariants.ANALYSIS_LETTERS):
            for letter in found.letters[queue]:
                tries = letter.approximate_receive_count
                assert tries >= MOST_RECEIVES, f"given up after {tries} tries: {letter.body}"
        invariants.every_letter_has_its_reason(found)
        invariants.every_request_is_handed_over(found, self.asked)
        invariants.every_document_is_attached_once(found)
        invariants.every_document_was_watched_once(found)
        invariants.every_failed_file_is_known(found)
        invariants.every_batch_is_analysed_once(found)
        invariants.no_analysis_was_paid_for_twice(found, lost_answers=len(self.world.seam.happened))
        invariants.no_file_belongs_to_nothing(found)
        if not found.letters[invariants.ANALYSIS_LETTERS]:
            invariants.no_run_is_left_in_hand(found)

    def _sweep(self) -> None:
        try:
            self.world.stack.invoke(SWEEP, {})
        except FunctionError:
            return  # tomorrow's goes on

    @contextmanager
    def _troubled(self, trouble: Trouble | None) -> Iterator[None]:
        """While the block runs, the trouble is there to come, once."""
        seam, calls = self.world.seam, iter(range(1, 10_000))

        def between(point: Point) -> None:
            if trouble is None or next(calls) != trouble.at:
                return
            seam.between = None
            if isinstance(trouble.what, Fault):
                self._plan(point, trouble.what)
            else:
                self.others[trouble.what]()

        seam.between = between
        try:
            yield
        finally:
            seam.between = None

    def _plan(self, point: Point, fault: Fault) -> None:
        if fault in CRASHES:
            # A message with which the process ends each time has nobody who could say why.
            self.crashes += 1
            if self.crashes >= MOST_RECEIVES:
                return
        if fault in faults_of(point.call):
            self.world.seam.planned[point] = fault

    def _work(self, function: str, work: Callable[[], object]) -> None:
        """In a process of its own, as one of the same function is at work already."""
        self.world.stack.functions[function].forget()
        work()


@pytest.fixture(scope="module")
def new_world() -> Iterator[NewWorld]:
    with worlds({**CONFIG, **LONG_LEASES, "vectorStorePollMaxAttempts": "2"}) as make:
        yield make


def test_documents_survive_whatever_is_drawn(new_world: NewWorld) -> None:
    class Drawn(DocumentFlow):
        def __init__(self) -> None:
            super().__init__(new_world())

    run_state_machine_as_test(
        Drawn,
        settings=settings(
            max_examples=int(os.environ.get("FAULTS_EXAMPLES", "10")),
            stateful_step_count=20,
            database=None,
            # The short form is the same each time; the long one looks for more.
            derandomize="FAULTS_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        (Point(INGEST, "dynamodb.put_item", 1), Fault.LOST_ANSWER),  # a request is claimed
        (Point(INGEST, "dynamodb.put_item", 1), Fault.SENT_AGAIN),
        (Point(INGEST, "dynamodb.put_item", 2), Fault.LOST_ANSWER),  # a store is reserved
        (Point(INGEST, "dynamodb.put_item", 2), Fault.SENT_AGAIN),
        (Point(INGEST, "dynamodb.update_item", 2), Fault.TIMEOUT),  # the store's id is recorded
        (Point(ANALYSE, "dynamodb.put_item", 1), Fault.LOST_ANSWER),  # a run is claimed
        (Point(ANALYSE, "dynamodb.put_item", 1), Fault.SENT_AGAIN),
    ],
    ids=str,
)
def test_a_lease_that_nobody_knows_of_is_not_waited_for(
    new_world: NewWorld, point: Point, fault: Fault
) -> None:
    flow = DocumentFlow(new_world())
    flow.world.seam.planned[point] = fault
    flow.ask(CONTRACT, NEWS, "", 1)
    began = flow.world.clock.now

    come_to_rest(flow.world)

    assert flow.world.seam.happened == [(point, fault)]
    assert flow.world.clock.now - began < int(LONG_LEASES["ingestTimeoutSeconds"])
    flow.teardown()
    invariants.no_letter_is_dead(invariants.find(flow.world), {})


def test_a_document_stays_until_the_one_that_replaces_it_can_be_searched(
    new_world: NewWorld,
) -> None:
    flow = DocumentFlow(new_world())
    flow.ask(CONTRACT, NEWS, "", 1)
    come_to_rest(flow.world)
    [before] = invariants.find(flow.world).attachments
    flow.wait(90_000)
    flow.ask(CONTRACT, NEWS, "", 1)
    flow.ingest(1, backwards=False, trouble=Trouble(4, Fault.CRASH_BEFORE))
    flow.wait(90_000)

    flow.sweep(None)

    assert flow.world.seam.happened, "the refresh has not begun"
    assert invariants.find(flow.world).attachments == [before]
    flow.teardown()
    assert before not in invariants.find(flow.world).attachments
