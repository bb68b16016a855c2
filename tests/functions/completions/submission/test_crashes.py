"""A crash at any step of submitting or reconciling is mended by the next runs."""

from collections.abc import Callable
from itertools import count
from typing import Any

import boto3
import pytest

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from local.standins.openai import JobPlan, OpenAIStandIn
from tests.functions.completions.submission.submissions import AFTER_THE_LEASE, Desk, label, receipt
from tests.functions.completions.tables import create_label_table

# Everything by which these functions change something.
STEPS = (
    (Table, ("put", "update", "write_all")),
    (Bucket, ("put", "put_file")),
    (BatchJobs, ("upload", "create", "cancel")),
)
MORE_THAN_THERE_ARE = 100
Run = Callable[[Desk], object]


class Crash(BaseException):
    """The end of the process."""


@pytest.fixture
def make_desk(
    aws: None, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn
) -> Callable[[str], Desk]:
    """A table of that name, where two receipts wait with two labels each."""

    def make(name: str) -> Desk:
        create_label_table(boto3.client("dynamodb"), name)
        desk = Desk(table=Table.named(name), bucket=bucket, jobs=jobs, standin=standin)
        desk.put(receipt(1), receipt(2))
        desk.put(*[label(number, line=line) for number in (1, 2) for line in (1, 4)])
        return desk

    return make


def crashes_after(run: Run, desk: Desk, step: int) -> bool:
    """Whether a run that crashes once that step is done came to it."""
    steps = count(1)

    def failing(operation: Callable[..., Any]) -> Callable[..., Any]:
        def fail_in_turn(*arguments: Any, **more: Any) -> Any:
            crash = next(steps) == step
            answer = operation(*arguments, **more)
            if crash:
                raise Crash
            return answer

        return fail_in_turn

    with pytest.MonkeyPatch.context() as patch:
        for owner, names in STEPS:
            for name in names:
                patch.setattr(owner, name, failing(getattr(owner, name)))
        try:
            run(desk)
        except Crash:
            return True
        return False


def after_each_step(make_desk: Callable[[str], Desk], prepare: Run, run: Run, mended: Run) -> int:
    """Crash a run after each of its steps, which is before the next; how many steps it has."""
    for step in range(1, MORE_THAN_THERE_ARE):
        desk = make_desk(f"labels-{step}")
        prepare(desk)
        if not crashes_after(run, desk, step):
            return step - 1
        desk.check_no_label_is_asked_about_twice()
        mended(desk)
    pytest.fail("it never ends")


def nothing(desk: Desk) -> None:
    """Nothing came before."""


def submit(desk: Desk) -> object:
    return desk.submit()


def submit_while_a_person_decides(desk: Desk) -> object:
    decided = label(1, line=1, validation_status=ValidationStatus.VALID)
    return desk.meanwhile(lambda: desk.put(decided)).submit()


def lose_the_job(desk: Desk) -> None:
    """A job was asked for, but has not come."""
    assert crashes_after(submit, desk, 4)
    assert desk.summary().status == BatchStatus.SUBMITTING


def have_it_come_late(desk: Desk) -> None:
    """A job comes after its batch was released."""
    desk.standin.job_plans.add(JobPlan(unseen=1, in_progress=None, times=1))
    assert crashes_after(submit, desk, 5)
    assert desk.reconcile(after=AFTER_THE_LEASE) == {"released": 1, "labels": 4}


def reconcile_late(desk: Desk) -> object:
    return desk.reconcile(after=AFTER_THE_LEASE)


def reconciled_and_submitted(desk: Desk) -> None:
    """After a run of each, all labels that wait are asked about once, and all is well."""
    desk.reconcile(after=AFTER_THE_LEASE)
    desk.check()
    desk.submit()
    desk.check()
    desk.check_no_label_is_asked_about_twice()
    waiting, held = desk.labels(ValidationStatus.NONE), desk.labels(ValidationStatus.PENDING)
    decided = desk.labels(ValidationStatus.VALID)
    assert (len(waiting), len(held) + len(decided)) == (0, 4)
    assert desk.reconcile() == {}


def test_a_submit_that_crashes(make_desk: Callable[[str], Desk]) -> None:
    # The targets, the summary, the claims, the upload, the job, the job's name.
    assert after_each_step(make_desk, nothing, submit, reconciled_and_submitted) == 6


def test_a_submit_that_crashes_when_it_does_not_get_all_its_labels(
    make_desk: Callable[[str], Desk],
) -> None:
    steps = after_each_step(
        make_desk, nothing, submit_while_a_person_decides, reconciled_and_submitted
    )

    # And besides, the claims once more, the targets and the counts.
    assert steps == 9


def test_a_reconcile_that_crashes_while_it_releases(make_desk: Callable[[str], Desk]) -> None:
    assert after_each_step(make_desk, lose_the_job, reconcile_late, reconciled_and_submitted) == 2


def test_a_reconcile_that_crashes_while_it_cancels(make_desk: Callable[[str], Desk]) -> None:
    steps = after_each_step(make_desk, have_it_come_late, reconcile_late, reconciled_and_submitted)

    assert steps == 2
