"""The simulation behind docs/scale.md: nothing vanishes in it, and limits hold."""

import pytest

from benchmarks.page import BEGIN, END
from benchmarks.scale import ceilings, documents, labels, page, pictures, scenarios
from benchmarks.scale.bucket import Bucket
from benchmarks.scale.compositions import composition
from benchmarks.scale.document_queue import DocumentQueue, retry_delays
from benchmarks.scale.documents import Documents
from benchmarks.scale.labels import Labels
from benchmarks.scale.limits import DAY, PARTITION_WRITES, UPLOADS
from docs.generate.refusals import problems, settings
from functions.completions.submission.drafts import MOST_TARGETS

_HOURS = 0.2
_UPLOADS_A_DAY = UPLOADS.per_second * DAY


def _simulated(load: float, *, openai: float = 1, **keys: object) -> Documents:
    return documents.simulate(int(load), settings(keys), openai=openai, hours=_HOURS)


@pytest.mark.parametrize("load", [50_000, 400_000])
@pytest.mark.parametrize("at_once", [2, 5])
def test_every_document_that_was_asked_for_is_indexed_a_dead_letter_or_waiting(
    load: int, at_once: int
) -> None:
    run = _simulated(load, openai=0.1, ingestMaxConcurrency=at_once)
    assert run.arrived == run.indexed + run.dead + run.waiting
    assert run.analysed <= run.indexed


def test_below_every_limit_all_is_indexed_and_nothing_is_old() -> None:
    run = _simulated(0.5 * _UPLOADS_A_DAY)
    assert run.indexed_a_day == pytest.approx(run.load, rel=0.02)
    assert run.oldest < 60
    assert run.uploads_refused == run.dead == 0


def test_above_the_brake_the_queue_waits_and_openai_refuses_nothing() -> None:
    keys = {"ingestMaxConcurrency": 3}
    run = _simulated(2 * _UPLOADS_A_DAY, **keys)
    [brake] = [
        ceiling.most
        for ceiling in ceilings.of_documents(settings(keys))
        if ceiling.what == "`ingestMaxConcurrency` 3"
    ]
    assert run.indexed_a_day == pytest.approx(brake, rel=0.02)
    behind = 1 - run.indexed_a_day / run.load
    assert run.oldest == pytest.approx(behind * _HOURS * 3_600, rel=0.1)
    assert run.uploads_refused == run.dead == 0


def test_without_a_brake_openais_limit_holds_and_documents_die_of_it() -> None:
    run = documents.simulate(
        int(0.5 * _UPLOADS_A_DAY),
        settings({"ingestMaxConcurrency": 3}),
        openai=0.05,
        hours=3 * _HOURS,
    )
    assert run.indexed_a_day == pytest.approx(0.05 * _UPLOADS_A_DAY, rel=0.05)
    assert run.dead > 0


def test_a_bucket_gives_what_it_saved_up_and_then_its_rate() -> None:
    bucket = Bucket(UPLOADS)
    assert bucket.take(1_500, 0) == 1_000
    assert bucket.take(500, 6) == 100
    assert (bucket.take_all(2, 6), bucket.take_all(1, 6.07)) == (False, True)
    assert bucket.refused == 902
    patient = Bucket(PARTITION_WRITES)
    assert [patient.wait_for(1_000, 0) for _ in range(3)] == [0, 1, 2]
    assert patient.backlog(0.5) == 1.5


def test_messages_that_were_given_back_come_again_first_and_when_they_should() -> None:
    queue = DocumentQueue(per_second=1)
    assert queue.due(0, size=10, window=5) == 5
    first = queue.take(10, 5)
    assert [message.sent_at for message in first] == [0, 1, 2, 3, 4, 5]
    queue.give_back(first[:1], visible_at=8)
    assert queue.oldest(6) == 0
    assert [message.number for message in queue.take(2, 9)] == [0, 6]
    assert queue.waiting(9) == 3
    assert list(retry_delays(first=30, receives=7)) == [30, 60, 120, 240, 480, 900, 900]


def test_a_full_batch_is_what_the_submission_makes_of_the_sample_receipts() -> None:
    full = composition(max_requests=50_000, max_bytes=200_000_000)
    assert MOST_TARGETS <= full.labels < MOST_TARGETS + 50
    assert sum(full.chunks) == full.labels
    assert len(full.chunks) == -(-full.requests // 250)


@pytest.fixture(scope="module")
def many_small() -> Labels:
    return labels.simulate(30, settings({"completionBatchMaxRequests": 10}))


def test_batches_that_ended_at_once_are_applied_once_and_then_projected_at_the_pace(
    many_small: Labels,
) -> None:
    assert many_small.collected == many_small.batches == 30
    assert many_small.applied_after < many_small.projected_after
    assert many_small.projected_a_second == pytest.approx(95, rel=0.1)


def test_no_more_labels_are_applied_than_a_partition_takes() -> None:
    run = labels.simulate(10, settings({}))
    burst = PARTITION_WRITES.number
    assert (run.labels - burst) / run.applied_after <= PARTITION_WRITES.per_second


def test_a_run_takes_no_more_batches_than_it_may_and_none_that_has_ended() -> None:
    keys = {"completionBatchMaxRequests": 10, "completionPollMaxBatches": 3}
    run = labels.simulate(10, settings(keys))
    assert (run.runs, run.collected) == (4, 10)


def test_runs_that_last_too_long_hand_the_same_batches_on_again() -> None:
    piled_up = labels.simulate(10, settings({}))
    spaced = labels.simulate(10, settings(scenarios.SPACED.keys))
    assert (piled_up.collected > 10, spaced.collected) == (True, 10)
    assert spaced.most_invocations < piled_up.most_invocations


@pytest.mark.parametrize(
    "scenario", [*scenarios.OF_DOCUMENTS, *scenarios.OF_LABELS], ids=lambda s: s.name
)
def test_what_is_simulated_can_be_deployed(scenario: scenarios.Scenario) -> None:
    assert list(problems(scenario.keys)) == []


def test_the_same_figures_make_the_same_page_and_pictures(many_small: Labels) -> None:
    of_documents = [[_simulated(10_000)] for _ in scenarios.OF_DOCUMENTS]
    of_labels = [[many_small] for _ in scenarios.OF_LABELS]
    empty = f"text\n{BEGIN}\n{END}\nmore\n"
    filled = page.filled(empty, of_documents, of_labels)
    assert page.filled(filled, of_documents, of_labels) == filled
    again = [[_simulated(10_000)] for _ in scenarios.OF_DOCUMENTS]
    assert pictures.of_documents(of_documents) == pictures.of_documents(again)
    for picture in (pictures.of_documents(again) | pictures.of_labels(of_labels)).values():
        assert "nan" not in picture
        assert picture.count("<polyline") >= 4
    with pytest.raises(ValueError, match="no place for the figures"):
        page.filled("text", of_documents, of_labels)
