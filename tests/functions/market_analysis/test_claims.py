"""Runs are done once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from boto3.dynamodb.conditions import Key

from functions.clients.dynamodb import Table
from functions.errors import LeaseHeldError, LeaseLostError
from tests.functions.market_analysis.conftest import LEASE_SECONDS, Clock, Hire
from tests.functions.market_analysis.requests import analysis, hits, request

RUN = "BATCH#vsfb_1"


def test_a_run_is_one_workers_until_it_is_done(hire: Hire) -> None:
    first, second = hire("first"), hire("second")
    assert first.claim(request(), RUN)

    with pytest.raises(LeaseHeldError, match=RUN):
        second.claim(request(), RUN)
    with pytest.raises(LeaseHeldError):
        first.claim(request(), RUN)

    first.store(request(), RUN, analysis(), [])
    assert not first.claim(request(), RUN)
    assert not second.claim(request(), RUN)


def test_of_many_workers_at_once_one_gets_the_run(hire: Hire) -> None:
    together = threading.Barrier(8)

    def claim(number: int) -> bool:
        together.wait(10)
        try:
            return hire(f"worker-{number}").claim(request(), RUN)
        except LeaseHeldError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


def test_a_run_that_was_given_up_can_be_taken_at_once(hire: Hire) -> None:
    first, second = hire("first"), hire("second")
    first.claim(request(), RUN)

    first.release(request(), RUN)

    assert second.claim(request(), RUN)


def test_nobody_gives_up_what_is_anothers_or_done(hire: Hire, table: Table) -> None:
    first, second = hire("first"), hire("second")
    first.claim(request(), RUN)

    second.release(request(), RUN)
    with pytest.raises(LeaseHeldError):
        second.claim(request(), RUN)

    first.store(request(), RUN, analysis(), [])
    first.release(request(), RUN)
    assert not second.claim(request(), RUN)


def test_a_lease_that_ran_out_can_be_taken_over_and_the_late_worker_writes_nothing(
    hire: Hire, clock: Clock, table: Table
) -> None:
    late = hire("late")
    late.claim(request(), RUN)
    clock.now += LEASE_SECONDS
    with pytest.raises(LeaseHeldError):
        hire("early").claim(request(), RUN)

    clock.now += 1
    assert hire("second").claim(request(), RUN)

    with pytest.raises(LeaseLostError, match=RUN):
        late.store(request(), RUN, analysis("a"), hits("a"))
    [run] = table.query(Key("pk").eq("DOMAIN#example.com"))
    assert (run["leaseOwner"], run["status"]) == ("second", "WORKING")
