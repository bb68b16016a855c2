"""How the demo judges what it saw: nothing counts as accounted for that the stack does not show."""

from dataclasses import replace

import pytest

from local.demo.outcomes import SentMessage, complaints, document_states, unfinished
from local.demo.scenario import Outcome
from local.demo.snapshot import QueueCounts, QueueName, Request, Snapshot
from tests.local.demo_snapshots import (
    DONE,
    EXECUTION,
    FLOW_LETTER,
    KEY,
    REQUEST,
    TIMED_OUT,
    URL,
    download_letter,
    sent,
)


def test_a_document_that_was_indexed_and_analysed_is_accounted_for() -> None:
    assert unfinished([sent()], DONE) == []
    assert complaints([sent()], DONE) == []


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (Snapshot(), f"{URL}: queued"),
        (replace(DONE, requests={KEY: Request(key=KEY)}), f"{URL}: downloading"),
        (
            replace(DONE, executions=[], requests={KEY: replace(REQUEST, batch_id="")}),
            f"{URL}: uploaded",
        ),
        (
            replace(DONE, executions=[replace(EXECUTION, status="RUNNING")]),
            f"{URL}: in file batch",
        ),
        (replace(DONE, executions=[TIMED_OUT]), f"{URL}: waiting for its dead letter"),
        (
            replace(DONE, executions=[TIMED_OUT]),
            "execution vsfb_1234567: FAILED without a dead letter",
        ),
        (replace(DONE, analyses=[]), "execution vsfb_1234567: no market analysis yet"),
        (
            replace(DONE, queues={QueueName.DOWNLOAD: QueueCounts(in_flight=1)}),
            "downloadQueue: 1 messages",
        ),
        (
            replace(DONE, queues={QueueName.MARKET_ANALYSIS: QueueCounts(waiting=2)}),
            "marketAnalysisQueue: 2 messages",
        ),
    ],
)
def test_what_is_still_to_come_is_unfinished(snapshot: Snapshot, expected: str) -> None:
    assert expected in unfinished([sent()], snapshot)


@pytest.mark.parametrize(
    ("message", "snapshot", "outcome", "reason"),
    [
        (sent(), DONE, Outcome.INGESTED, ""),
        (
            sent(),
            replace(
                DONE,
                requests={
                    KEY: replace(REQUEST, is_fallback=True, reason="http-status: status 404")
                },
            ),
            Outcome.FALLBACK,
            "http-status: status 404",
        ),
        (
            sent(),
            replace(DONE, requests={KEY: replace(REQUEST, file_failure="invalid_file: no text")}),
            Outcome.FILE_FAILED,
            "invalid_file: no text",
        ),
        (
            sent(),
            replace(DONE, executions=[TIMED_OUT], letters=[FLOW_LETTER]),
            Outcome.DEAD_LETTER,
            "PollTimeout: vsfb_1234567 is in_progress",
        ),
        (
            sent(body='{"markets": "DACH"}'),
            Snapshot(letters=[download_letter('{"markets": "DACH"}')]),
            Outcome.DEAD_LETTER,
            "DownloadRequest: markets: Input should be a valid array",
        ),
    ],
)
def test_each_end_is_told_with_its_reason(
    message: SentMessage, snapshot: Snapshot, outcome: Outcome, reason: str
) -> None:
    [state] = document_states([message], snapshot)
    assert (state.outcome, state.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("message", "snapshot", "expected"),
    [
        (sent(Outcome.FALLBACK), DONE, f"{URL}: ingested instead of fallback"),
        (
            sent(Outcome.FALLBACK, "status 404"),
            replace(DONE, requests={KEY: replace(REQUEST, is_fallback=True, reason="timeout")}),
            f"{URL}: the reason is 'timeout', without 'status 404'",
        ),
        (sent(), replace(DONE, files=[*DONE.files] * 2), f"{URL}: 2 files in its vector store"),
        (
            sent(),
            replace(DONE, files=[replace(DONE.files[0], status="failed")]),
            f"{URL}: its file is failed, not completed",
        ),
        (sent(), replace(DONE, files=[]), f"{URL}: its file is not there, not completed"),
        (
            sent(),
            replace(DONE, executions=[replace(EXECUTION, notification=None)]),
            "execution vsfb_1234567: nobody was notified",
        ),
        (
            sent(),
            replace(DONE, executions=[EXECUTION, replace(EXECUTION, arn="arn:2")]),
            "file batch vsfb_1234567: 2 executions",
        ),
        (
            sent(Outcome.DEAD_LETTER),
            replace(DONE, executions=[TIMED_OUT], letters=[FLOW_LETTER]),
            "execution vsfb_1234567: FAILED, and analysed all the same",
        ),
        (
            sent(Outcome.DEAD_LETTER),
            replace(
                DONE,
                executions=[TIMED_OUT],
                letters=[replace(FLOW_LETTER, execution_input={})],
            ),
            "message m-9: it does not hold the input of its execution",
        ),
        (
            sent(Outcome.DEAD_LETTER),
            Snapshot(letters=[download_letter("changed")]),
            "message m-1: it is not as it was sent",
        ),
        (
            sent(),
            replace(DONE, letters=[download_letter(message_id="m-2")]),
            "message m-2: it is not as it was sent",
        ),
        (
            sent(),
            replace(
                DONE,
                letters=[replace(download_letter(), queue=QueueName.MARKET_ANALYSIS_DEAD_LETTERS)],
            ),
            "marketAnalysisDeadLetterQueue, message m-1: DownloadRequest: markets",
        ),
    ],
)
def test_what_is_other_than_planned_is_told(
    message: SentMessage, snapshot: Snapshot, expected: str
) -> None:
    assert any(expected in line for line in complaints([message], snapshot))


def test_a_letter_for_one_of_two_copies_is_told() -> None:
    message = replace(sent(), message_ids=["m-1", "m-2"])
    snapshot = replace(DONE, letters=[download_letter()])
    assert document_states([message], snapshot)[0].outcome == Outcome.INGESTED
    [complaint] = complaints([message], snapshot)
    assert "message m-1: nobody expected it, DownloadRequest: markets" in complaint
