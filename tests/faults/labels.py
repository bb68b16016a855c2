"""The label-completion flow's part of the fault schedule."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from openai.types import BatchError

from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import LabelId
from functions.completions.vocabulary import ValidationStatus
from local.standins.openai import Fault as Refusal
from local.standins.openai import JobPlan, LinePlan, Truth, twice
from tests.faults.deployed import FunctionError
from tests.faults.label_invariants import (
    AT_REST,
    NAMESPACE,
    End,
    ends_as,
    look,
    nothing_is_in_the_dead_letters,
    require,
)
from tests.faults.label_production import DAY, HOUR, Meanwhile, Production, Watch
from tests.faults.label_world import add_vectors, decide, put
from tests.faults.seam import Fault, Point
from tests.faults.world import World
from tests.functions.completions.submission.submissions import label, receipt

NONE, PENDING = ValidationStatus.NONE, ValidationStatus.PENDING
VALID, INVALID = ValidationStatus.VALID, ValidationStatus.INVALID

Course = Callable[[World, Production], None]


@dataclass(frozen=True, kw_only=True)
class LabelScenario:
    """Labels, what came ``before``, what is tried (``course``), and how each label ends.

    After the course all goes on until it is at rest; nothing of that is tried here.
    """

    name: str
    labels: Sequence[ReceiptWordLabel]
    ends: Mapping[LabelId, End]
    course: Course
    before: Course = lambda _world, _production: None
    meanwhile: Meanwhile | None = None
    config: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def prepare(self, world: World) -> None:
        """The labels, with their receipts and vectors, and what came before."""
        put(world, [receipt(1), receipt(2), *self.labels])
        add_vectors(world, self.labels)
        world.openai.truth = Truth(
            {
                id_.word.vector_id: id_.label if end.status is VALID else None
                for id_, end in sorted(self.ends.items(), key=lambda each: each[1].status is VALID)
            }
        )
        with world.seam.unnoticed():
            self.before(world, Production(world))
        Watch(world, self.meanwhile)

    def run(self, world: World) -> None:
        """The course, and then all until it is at rest."""
        production = Production(world)
        self.course(world, production)
        with world.seam.unnoticed():
            production.settle()

    def check(self, world: World) -> None:
        """Nothing was lost or done twice, and each label ended as it had to."""
        assert isinstance(world.seam.between, Watch)
        assert not world.seam.between.complaints, world.seam.between.complaints
        found = look(world)
        require(found, [*AT_REST, nothing_is_in_the_dead_letters, ends_as(self.ends)])


def _submit(_world: World, production: Production) -> None:
    production.submit()


def _poll(_world: World, production: Production) -> None:
    production.poll()


def _reconcile(_world: World, production: Production) -> None:
    production.reconcile()


def _submit_and_poll(_world: World, production: Production) -> None:
    production.submit()
    production.poll()


def _begin(*plans: JobPlan) -> Course:
    """Labels were submitted, and their jobs go so."""

    def submit(world: World, production: Production) -> None:
        for plan in plans:
            world.openai.job_plans.add(plan)
        production.submit()

    return submit


def _crash(fault: Fault, plan: JobPlan) -> Course:
    """A submit crashed an hour ago at the creation of a job, which goes so if it was made."""

    def crash(world: World, _production: Production) -> None:
        world.openai.job_plans.add(plan)
        world.seam.planned[Point("labels-submit", "openai.batches.create", 1)] = fault
        with suppress(FunctionError):
            world.stack.invoke("labels-submit", {})
        world.clock.pass_by(HOUR)

    return crash


_QUICK = JobPlan(in_progress=0, times=1)
_NAME, _SHOP = label(1, line=1, word=1), label(1, line=1, word=2)
_PHONE = label(1, line=2, word=2, name="PHONE_NUMBER")
_AMOUNT = label(1, line=4, word=2, name="SUBTOTAL")
_PAID = _AMOUNT.id.of_same_word("GRAND_TOTAL")
_TOTAL = label(2, line=4, word=2, name="GRAND_TOTAL")
_VALID_BEFORE = label(1, line=2, word=1, name="PHONE_NUMBER", validation_status=VALID)
_KEPT = {_VALID_BEFORE.id: End(VALID, asked=0)}


def _let_it_be_quick(world: World, _production: Production) -> None:
    world.openai.job_plans.add(_QUICK)


ANSWERED = LabelScenario(
    name="labels are asked about and answered",
    labels=[_NAME, _SHOP, _VALID_BEFORE],
    before=_let_it_be_quick,
    course=_submit_and_poll,
    ends={_NAME.id: End(VALID), _SHOP.id: End(INVALID), **_KEPT},
)


def _expire_half_way(world: World, production: Production) -> None:
    """One receipt was answered in time, and twice; a person was faster with one of its labels."""
    first = receipt(1).id.custom_id
    world.openai.line_plans.add(LinePlan(written=twice, times=1, when=first.__eq__))
    plan = replace(_QUICK, status="expired", answered=first.__eq__)
    _begin(plan)(world, production)
    decide(world, _PHONE.model_copy(update={"validation_status": VALID}))


EXPIRED = LabelScenario(
    name="a job expires half-way, and a person is faster with a label",
    labels=[_AMOUNT, _PHONE, _TOTAL, _VALID_BEFORE],
    before=_expire_half_way,
    course=_poll,
    ends={
        _AMOUNT.id: End(INVALID),
        _PAID: End(VALID),
        _PHONE.id: End(VALID),
        _TOTAL.id: End(VALID, attempts=1, asked=2),
        **_KEPT,
    },
)


def _decide_while_it_submits(world: World, point: Point) -> None:
    """A person decides a label of the first batch and all of the second, which are read already."""
    if point == Point("labels-submit", "s3.put_object", 1):
        for each in (_SHOP, _TOTAL):
            decide(world, each.model_copy(update={"validation_status": VALID}))


TAKEN = LabelScenario(
    name="others take labels while they are submitted",
    config=MappingProxyType({"completionBatchMaxRequests": "1"}),
    labels=[_NAME, _SHOP, _TOTAL],
    meanwhile=_decide_while_it_submits,
    course=_submit,
    ends={_NAME.id: End(VALID), _SHOP.id: End(VALID, asked=0), _TOTAL.id: End(VALID, asked=0)},
)

_FULL = (
    "Enqueued token limit reached for gpt-test in organization org-1. Limit: 1,000,000 enqueued "
    "tokens. Please try again once some in_progress batches have been completed."
)


def _refuse_a_job(world: World, _production: Production) -> None:
    world.openai.faults.add(
        Refusal(operation="batches.create", status=429, code="token_limit_exceeded", message=_FULL)
    )


REFUSED = LabelScenario(
    name="OpenAI's queue is full when a job is to be made",
    labels=[_NAME],
    before=_refuse_a_job,
    course=_submit,
    ends={_NAME.id: End(VALID)},
)

FAILED = LabelScenario(
    name="a job fails as OpenAI's queue is full",
    labels=[_NAME],
    before=_begin(
        JobPlan(
            status="failed",
            errors=[BatchError(code="token_limit_exceeded", message=_FULL)],
            times=1,
        )
    ),
    course=_poll,
    ends={_NAME.id: End(VALID, asked=2)},
)


def _get_stuck(world: World, production: Production) -> None:
    plan = JobPlan(validating=None, cancelling=0, answered=1.0, times=1)
    _begin(plan)(world, production)
    world.clock.pass_by(HOUR)


STUCK = LabelScenario(
    name="a job is stuck and is cancelled, with answers",
    labels=[_NAME],
    before=_get_stuck,
    course=_poll,
    ends={_NAME.id: End(VALID)},
)


def _lose_what_there_was(world: World, production: Production) -> None:
    """A day later OpenAI knows neither one job nor what the other answered."""
    _begin(JobPlan(unseen=None, times=1), _QUICK)(world, production)
    _, answered = world.openai.jobs.values()
    world.openai._courses.advance(answered)
    world.openai._state.delete_file(str(answered.output_file_id))
    world.clock.pass_by(DAY + 2 * HOUR)


GONE = LabelScenario(
    name="a job is gone, and so are the answers of another",
    config=MappingProxyType({"completionBatchMaxRequests": "1"}),
    labels=[_NAME, _TOTAL],
    before=_lose_what_there_was,
    course=_poll,
    ends={_NAME.id: End(VALID, asked=2), _TOTAL.id: End(VALID, attempts=1, asked=2)},
)

ADOPTED = LabelScenario(
    name="a job is adopted whose submitter crashed",
    labels=[_NAME],
    before=_crash(Fault.CRASH_AFTER, _QUICK),
    course=_reconcile,
    ends={_NAME.id: End(VALID)},
)

RELEASED = LabelScenario(
    name="labels are released whose submitter crashed before it had a job",
    labels=[_NAME],
    before=_crash(Fault.CRASH_BEFORE, _QUICK),
    course=_reconcile,
    ends={_NAME.id: End(VALID)},
)


def _release_a_day_ago(world: World, production: Production) -> None:
    _crash(Fault.CRASH_BEFORE, _QUICK)(world, production)
    production.reconcile()
    world.clock.pass_by(DAY + 2 * HOUR)


FORGOTTEN = LabelScenario(
    name="no job has turned up in a day",
    labels=[_NAME],
    before=_release_a_day_ago,
    course=_reconcile,
    ends={_NAME.id: End(VALID)},
)


def _ask_again_too_soon(world: World, production: Production) -> None:
    """OpenAI shows a job more than an hour after it was made, when its labels have another."""
    _crash(Fault.CRASH_AFTER, JobPlan(unseen=1, in_progress=None, times=1))(world, production)
    production.reconcile()
    production.submit()
    world.clock.pass_by(HOUR)


LATE = LabelScenario(
    name="a job comes too late and is cancelled",
    labels=[_NAME],
    before=_ask_again_too_soon,
    course=_reconcile,
    ends={_NAME.id: End(VALID)},
)

_UNSEEN = label(
    1, line=3, word=1, name="PRODUCT_NAME", validation_status=INVALID, projection="by hand"
)


def _lose_a_vector(world: World, _production: Production) -> None:
    world.pinecone._vectors._namespaces[NAMESPACE].pop(_UNSEEN.id.word.vector_id)


def _find_it_again(world: World, production: Production) -> None:
    production.poll()
    add_vectors(world, [_UNSEEN.model_copy(update={"validation_status": NONE})])
    production.reconcile()


ORPHANED = LabelScenario(
    name="labels are PENDING under no batch, and a word's vector comes late",
    labels=[
        _NAME.model_copy(update={"validation_status": PENDING}),
        _TOTAL.model_copy(update={"validation_status": PENDING, "batch_id": "no batch"}),
        _UNSEEN,
    ],
    before=_lose_a_vector,
    course=_find_it_again,
    ends={_NAME.id: End(VALID), _TOTAL.id: End(VALID), _UNSEEN.id: End(INVALID, asked=0)},
)

SCENARIOS: tuple[LabelScenario, ...] = (
    ANSWERED,
    EXPIRED,
    TAKEN,
    REFUSED,
    FAILED,
    STUCK,
    GONE,
    ADOPTED,
    RELEASED,
    FORGOTTEN,
    LATE,
    ORPHANED,
)
