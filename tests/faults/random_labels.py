"""Labels in a world where anything can happen at any call, and others are at work as well."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from openai.types import BatchError

from functions.completions.entities import ReceiptWordLabel
from functions.completions.vocabulary import ValidationStatus
from local.standins.openai import AnswerPlan, JobPlan, LinePlan, Truth, half, left_out, twice
from tests.faults.label_invariants import ALWAYS, AT_REST, keeps, look, require
from tests.faults.label_production import DAY, HOUR, POLL_SECONDS, Production, Watch
from tests.faults.label_world import add_vectors, decide, put
from tests.faults.seam import Fault, Point, faults_of
from tests.faults.world import NewWorld, World
from tests.functions.completions.submission.submissions import label, receipt

# On three receipts: two labels of one word, a word beside it, and a word of another line.
LABELS = tuple(
    label(number, line=line, word=word, name=name)
    for number in (1, 2, 3)
    for line, word, name in (
        (4, 2, "GRAND_TOTAL"),
        (4, 2, "SUBTOTAL"),
        (1, 1, "MERCHANT_NAME"),
        (3, 1, "QUANTITY"),
    )
)
TRUTHS = ("GRAND_TOTAL", "MERCHANT_NAME", "TAX", None)
DECISIONS = (ValidationStatus.VALID, ValidationStatus.INVALID, ValidationStatus.NEEDS_REVIEW)
_REFUSED = BatchError(code="invalid_request", message="This line was refused.", line=1)
_FULL = BatchError(code="token_limit_exceeded", message="Limit: 1,000,000 enqueued tokens.")
JOBS = (
    JobPlan(in_progress=0),
    JobPlan(in_progress=3, finalizing=1),
    JobPlan(in_progress=0, status="expired", answered=0.5),
    JobPlan(status="cancelled", answered=0.5),
    JobPlan(status="failed"),
    JobPlan(status="failed", errors=[_REFUSED]),
    JobPlan(status="failed", errors=[_FULL]),
    JobPlan(validating=None, cancelling=2, answered=0.5),
    JobPlan(odd_statuses=["pondering"]),
)
LINES = (
    LinePlan(status=500),
    LinePlan(error="batch_expired"),
    LinePlan(written=half),
    LinePlan(written=left_out),
    LinePlan(written=twice),
    LinePlan(custom_id="IMAGE#garbled"),
    LinePlan(answer=AnswerPlan(shape="refusal")),
)
WORKERS = ("submit", "reconcile", "poll")
WAITS = (POLL_SECONDS, 20 * 60, HOUR, DAY + 2 * HOUR)
_MOST_HOURS = 48


@dataclass(kw_only=True)
class _Due:
    """What is to happen at the call before which so many others are made."""

    calls: int
    fault: int | None = None
    happens: Callable[[], None] | None = None


@dataclass(kw_only=True)
class _Happenings:
    """What happens at calls that are still to come; only one other worker at a time."""

    due: list[_Due] = field(default_factory=list)
    busy: bool = False

    def at_this_call(self) -> Iterator[_Due]:
        """What is due now."""
        for each in list(self.due):
            each.calls -= 1
            if each.calls < 0 and not (each.happens and self.busy):
                self.due.remove(each)
                yield each


class RandomLabels(RuleBasedStateMachine):
    """Rules that can be called in any order; ``teardown`` lets everything recover, and looks."""

    new_world: ClassVar[NewWorld]
    """Set before the first one is made, as hypothesis makes them without arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World = type(self).new_world()
        self.production = Production(self.world)
        self.truth: dict[str, str | None] = {}
        self.decided: dict[str, dict[str, Any]] = {}
        self.happenings = _Happenings()
        put(self.world, [receipt(number) for number in (1, 2, 3)])
        self.watch = Watch(self.world, self._meanwhile)

    @initialize(truths=st.lists(st.sampled_from(TRUTHS), min_size=3, max_size=len(LABELS)))
    def begin(self, truths: list[str | None]) -> None:
        """Some labels wait already."""
        for which, truth in enumerate(truths):
            self.add(which, truth)

    @rule(which=st.sampled_from(range(len(LABELS))), truth=st.sampled_from(TRUTHS))
    def add(self, which: int, truth: str | None) -> None:
        """A label is proposed, of a word that is really something."""
        added, labels = LABELS[which], self._labels()
        if added.id.text not in labels:
            self.truth.setdefault(added.id.word.vector_id, truth)
            self.world.openai.truth = Truth(self.truth)
            put(self.world, [added])
            word = [each for each in labels.values() if each.id.word == added.id.word]
            add_vectors(self.world, [*word, added])

    @rule(which=st.integers(0, 11), status=st.sampled_from(DECISIONS))
    def decide(self, which: int, status: ValidationStatus) -> None:
        """A person decides one of the labels."""
        labels = sorted(self._labels().items())
        if labels:
            name, chosen = labels[which % len(labels)]
            changed = chosen.model_copy(update={"validation_status": status, "batch_id": None})
            decide(self.world, changed)
            self.decided[name] = changed.to_item()

    @rule(plan=st.sampled_from(range(len(JOBS))))
    def plan_job(self, plan: int) -> None:
        """The next job goes in its own way."""
        self.world.openai.job_plans.add(replace(JOBS[plan], times=1))

    @rule(plan=st.sampled_from(range(len(LINES))))
    def plan_line(self, plan: int) -> None:
        """The next request is answered in its own way."""
        self.world.openai.line_plans.add(replace(LINES[plan], times=1))

    @rule(calls=st.integers(0, 90), fault=st.integers(0, len(Fault) - 1))
    def let_go_wrong(self, calls: int, fault: int) -> None:
        """Something goes wrong at a call that is to come."""
        self.happenings.due.append(_Due(calls=calls, fault=fault))

    @rule(calls=st.integers(0, 90), worker=st.sampled_from(WORKERS))
    def interrupt(self, calls: int, worker: str) -> None:
        """Another worker does all of his work before a call that is to come."""
        self.happenings.due.append(_Due(calls=calls, happens=getattr(self, worker)))

    @rule(calls=st.integers(0, 90), which=st.integers(0, 11), status=st.sampled_from(DECISIONS))
    def interrupt_to_decide(self, calls: int, which: int, status: ValidationStatus) -> None:
        """A person decides a label before a call that is to come."""
        happens = partial(self.decide, which, status)
        self.happenings.due.append(_Due(calls=calls, happens=happens))

    @rule()
    def submit(self) -> None:
        """A schedule's turn."""
        self.production.submit()

    @rule()
    def poll(self) -> None:
        """A schedule's turn."""
        self.production.poll()

    @rule()
    def reconcile(self) -> None:
        """A schedule's turn."""
        self.production.reconcile()

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: int) -> None:
        """Time goes by, in which no schedule has its turn."""
        self.world.clock.pass_by(seconds)

    @invariant()
    def nothing_is_wrong(self) -> None:
        """What is true at any time."""
        require(look(self.world), [*ALWAYS, keeps(self.decided)])
        assert not self.watch.complaints, self.watch.complaints

    def teardown(self) -> None:
        """All comes to rest, whatever is still to go wrong."""
        self.production.settle(_MOST_HOURS)
        found = look(self.world)
        require(found, [*AT_REST, keeps(self.decided)])
        assert not self.watch.complaints, self.watch.complaints
        assert not self.world.seam.unseen, self.world.seam.unseen

    def _meanwhile(self, world: World, point: Point) -> None:
        for due in self.happenings.at_this_call():
            if due.fault is not None:
                possible = faults_of(point.call)
                world.seam.planned[point] = possible[due.fault % len(possible)]
            if due.happens is not None:
                self.happenings.busy = True
                due.happens()
                self.happenings.busy = False

    def _labels(self) -> dict[str, ReceiptWordLabel]:
        items = self.world.stack.items("labelTableName")
        labels = [i for i in items if i.get("TYPE") == "RECEIPT_WORD_LABEL"]
        return {each.id.text: each for each in map(ReceiptWordLabel.from_item, labels)}
