"""Submitting labels, at a stand-in for OpenAI's Batch API."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

import boto3
import pytest

from functions.clients.dynamodb import Item, Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions import capacity
from functions.completions.labels import labelled_receipt
from functions.completions.submission.prompts import prompt
from functions.completions.submission.submitting import submit
from functions.completions.targets import Request, targets_key
from functions.completions.verdicts import Verdicts
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from local.standins.openai import OpenAIStandIn
from tests.functions.completions.submission.submissions import LIMITS, MODEL, Desk, label, receipt

NONE, PENDING = ValidationStatus.NONE, ValidationStatus.PENDING
DAY = 86_400


@pytest.fixture
def desk(label_table: Table, bucket: Bucket, jobs: BatchJobs, standin: OpenAIStandIn) -> Desk:
    return Desk(table=label_table, bucket=bucket, jobs=jobs, standin=standin)


def with_labels(desk: Desk, receipts: int, lines: int = 1) -> None:
    """So many receipts with a label on each of so many lines."""
    desk.put(*[receipt(number) for number in range(1, receipts + 1)])
    desk.put(*[label(n, line=line) for n in range(1, receipts + 1) for line in range(1, lines + 1)])


def tokens_of_one(desk: Desk) -> int:
    """What each of the receipts takes."""
    shown = receipt(1)
    labelled = labelled_receipt(desk.table, shown.id)
    return prompt(labelled, shown, list(labelled.labels.values()), model=MODEL).tokens


def test_the_labels_that_wait_become_a_batch(desk: Desk) -> None:
    with_labels(desk, receipts=3, lines=2)
    tokens = 3 * tokens_of_one(desk)

    submitted = desk.submit()

    [batch] = submitted.batches
    [job] = desk.standin.jobs.values()
    assert (batch.request_count, batch.target_count, batch.model) == (3, 6, MODEL)
    summary = desk.summary()
    assert (summary.status, summary.batch_id) == (BatchStatus.PENDING, batch.batch_id)
    assert (summary.openai_batch_id, summary.input_file_id) == (job.id, job.input_file.id)
    assert (submitted.waiting, submitted.reason) == (0, "no label waits for a verdict")
    assert {each.batch_id for each in desk.labels(PENDING)} == {batch.batch_id}
    assert job.metadata == {"batch_id": batch.batch_id, "stack": "labels"}
    assert job.input_file.filename == f"labels-{batch.batch_id}.jsonl"
    assert job.input_file.expires_at == job.input_file.created_at + 3 * DAY
    assert desk.tokens() == batch.prompt_tokens == tokens
    desk.check()


def test_the_targets_are_kept_in_the_order_of_the_requests(desk: Desk) -> None:
    with_labels(desk, receipts=3, lines=2)

    [batch] = desk.submit().batches

    kept = desk.bucket.get(targets_key(batch.batch_id))
    assert kept
    requests = [Request.from_line(line) for line in kept.splitlines()]
    [asked] = desk.requests().values()
    assert [request.receipt.custom_id for request in requests] == [
        line["custom_id"] for line in asked
    ]
    [targets] = desk.asked().values()
    assert [each.target_id for request in requests for each in request.targets] == targets


def test_openai_takes_the_requests_and_its_answers_can_be_read(desk: Desk) -> None:
    with_labels(desk, receipts=2, lines=4)
    [batch] = desk.submit().batches

    while (job := desk.jobs.job(batch.openai_batch_id or "")).status != "completed":
        assert job.status in ("validating", "in_progress", "finalizing")

    assert job.error_file_id is None
    with desk.jobs.content(job.output_file_id or "") as blocks:
        lines = b"".join(blocks).splitlines()
    texts = [
        json.loads(line)["response"]["body"]["output"][0]["content"][0]["text"] for line in lines
    ]
    results = [result for text in texts for result in Verdicts.model_validate_json(text).results]
    assert {result.id for result in results} == set(*desk.asked().values())


def test_nothing_to_submit_makes_nothing(desk: Desk) -> None:
    desk.put(receipt(), label(validation_status=ValidationStatus.VALID))

    submitted = desk.submit()

    assert (submitted.batches, submitted.waiting) == ([], 0)
    assert submitted.reason == "no label waits for a verdict"
    assert desk.summaries() == []
    assert len(desk.standin.calls) == 0
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=desk.bucket.name)
    assert desk.table.get({"PK": "CAPACITY", "SK": "PROMPT_TOKENS"}) is None


def test_what_cannot_be_asked_makes_nothing_either(desk: Desk) -> None:
    desk.put(label())

    assert desk.submit().batches == []
    assert len(desk.standin.calls) == 0
    assert len(desk.labels(NONE)) == 1


class ShortPages(Table):
    """A table of which a page has fifty items."""

    def query(self, key: Any, **options: Any) -> Iterator[Item]:
        return super().query(key, **{**options, "page_size": 50})


def test_many_labels_become_several_batches(desk: Desk) -> None:
    lines = [f"ITEM {number} 1.00" for number in range(6)]
    desk.put(*[receipt(number, lines) for number in range(1, 41)])
    desk.put(*[label(n, line=line) for n in range(1, 41) for line in range(1, 7)])
    # More than fit into one transaction, or are read ahead, or are listed before the first batch.
    paged = replace(desk, table=ShortPages(desk.table._client, desk.table.name))

    submitted = paged.submit(requests=18)

    assert [batch.target_count for batch in submitted.batches] == [108, 108, 24]
    asked = list(chain.from_iterable(desk.asked().values()))
    assert len(asked) == len(set(asked)) == 240
    assert (len(desk.labels(NONE)), len(desk.labels(PENDING))) == (0, 240)
    desk.check()


def test_a_batch_has_no_more_bytes_than_it_may(desk: Desk) -> None:
    with_labels(desk, receipts=5)
    size = 2 * tokens_of_one(desk)

    submitted = desk.submit(bytes=2 * size)

    assert [batch.request_count for batch in submitted.batches] == [2, 2, 1]
    assert all(len(job.input_file.content) <= 2 * size for job in desk.standin.jobs.values())


def test_what_has_no_room_waits_and_is_counted(desk: Desk) -> None:
    with_labels(desk, receipts=40, lines=2)
    limit = 3 * tokens_of_one(desk) + 1

    submitted = desk.submit(enqueued_tokens=limit)

    assert [batch.request_count for batch in submitted.batches] == [3]
    assert submitted.waiting == 74
    assert submitted.reason == f"{limit - 1} of {limit} prompt tokens are under way"
    again = desk.submit(enqueued_tokens=limit)
    assert (again.batches, again.waiting) == ([], 74)
    assert len(desk.summaries()) == 1
    desk.check()


def test_what_openai_has_named_as_its_limit_holds_too(desk: Desk) -> None:
    with_labels(desk, receipts=5)
    limit = 2 * tokens_of_one(desk)
    capacity.learn_limit(desk.table, f"Limit: {limit:,} enqueued tokens.", desk.clock())

    submitted = desk.submit(enqueued_tokens=10 * limit)

    assert ([each.request_count for each in submitted.batches], submitted.waiting) == ([2], 3)


def test_a_receipt_that_no_batch_can_hold_keeps_no_other_waiting(desk: Desk) -> None:
    desk.put(receipt(1, ["LONG " * 2000]), label(1))
    desk.put(receipt(2), label(2))

    submitted = desk.submit(enqueued_tokens=5000)

    assert [batch.request_count for batch in submitted.batches] == [1]
    assert [each.id for each in desk.labels(NONE)] == [label(1).id]
    assert submitted.waiting == 0


@pytest.mark.parametrize("limit", [None, 3])
def test_two_submits_at_once_share_labels_and_room(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    with_labels(desk, receipts=12, lines=2)
    room = limit and limit * tokens_of_one(desk)
    together = threading.Barrier(2)
    under_way = []
    write_all = Table.write_all

    def watched(self: Table, actions: Any) -> Any:
        refused = write_all(self, actions)
        under_way.append(desk.tokens())
        return refused

    monkeypatch.setattr(Table, "write_all", watched)

    def run(_: int) -> list[int]:
        together.wait(10)
        done = submit(desk.sender(), replace(LIMITS, requests=2, enqueued_tokens=room))
        return [batch.target_count for batch in done.batches]

    with ThreadPoolExecutor(2) as pool:
        counts = list(chain.from_iterable(pool.map(run, range(2))))

    desk.check()
    desk.check_no_label_is_asked_about_twice()
    assert sum(counts) == len(desk.labels(PENDING))
    assert sum(counts) == 24 if room is None else 0 < max(under_way) <= room


def test_no_batch_is_begun_when_there_is_no_time_for_it(desk: Desk) -> None:
    with_labels(desk, receipts=3)

    submitted = submit(desk.sender(time_left=lambda: 200), LIMITS)

    assert (submitted.batches, submitted.waiting, submitted.reason) == ([], 3, "the time is up")
    assert len(desk.standin.calls) == 0


def test_what_was_read_when_the_time_is_up_is_submitted(desk: Desk) -> None:
    with_labels(desk, receipts=60)
    seconds = iter([900] * 20)

    submitted = submit(desk.sender(time_left=lambda: next(seconds, 200)), LIMITS)

    [batch] = submitted.batches
    assert 0 < batch.target_count < 60
    assert submitted.waiting == 60 - batch.target_count
    assert submitted.reason == "the time is up"
    desk.check()
