"""Which of many pending batches have ended, as OpenAI tells of each by itself."""

import time
from collections.abc import Sequence
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from openai import OpenAI

from benchmarks.row import Row, seconds, times_faster
from benchmarks.servers import dynamodb, job_server
from benchmarks.servers.keys import AnyKey
from functions.clients.dynamodb import Put, Table
from functions.clients.openai_batches import BatchJobs
from functions.completions.batches import BatchSummary
from functions.completions.collection.listing import PollLimits, batches_to_collect
from functions.completions.entities import iso
from functions.completions.targets import targets_key
from functions.completions.transactions import write_each
from functions.completions.vocabulary import BatchStatus

_BATCHES, _OF_BASELINE = 500, 50
_OPENAI_SECONDS, _DYNAMODB_SECONDS = 0.1, 0.005


def measure() -> Row:
    """Both sides, which must find the same batches."""
    with (
        dynamodb.running(_DYNAMODB_SECONDS),
        job_server.running(_OPENAI_SECONDS) as base_url,
    ):
        table = Table.named("labels")
        write_each(table, (Put(item=_pending(number)) for number in range(_BATCHES)))
        one_by_one, found = seconds(lambda: _one_by_one(base_url))
        began = time.process_time()
        ours, listed = seconds(lambda: _all_at_once(table, base_url))
        processor = time.process_time() - began
    if found != [job_id for job_id in listed if job_id in _jobs(range(_OF_BASELINE))]:
        raise RuntimeError(f"one after another found {found}, all at once {listed}")
    baseline = one_by_one * _BATCHES / _OF_BASELINE
    return Row(
        what=f"listing {_BATCHES} pending batches, {_OPENAI_SECONDS * 1000:g} ms a status call",
        baseline=f"one after another: {baseline:.1f} s",
        ours=f"{ours:.2f} s",
        goals=(times_faster(20, baseline=baseline, ours=ours),),
        details=_DETAILS.format(some=_OF_BASELINE, processor=processor),
    )


def _one_by_one(base_url: str) -> list[str]:
    """The baseline, of the first batches: the jobs that have ended."""
    client = OpenAI(base_url=base_url, api_key="any")
    ended = []
    for item in _pending_items()[:_OF_BASELINE]:
        job = client.batches.retrieve(item["openai_batch_id"])
        if job.status in ("completed", "failed", "expired", "cancelled"):
            ended.append(job.id)
    return ended


def _pending_items() -> list[dict[str, Any]]:
    table = boto3.resource("dynamodb").Table("labels")
    answer = table.query(
        IndexName="GSI1", KeyConditionExpression=Key("GSI1PK").eq("STATUS#PENDING")
    )
    return list(answer["Items"])


def _all_at_once(table: Table, base_url: str) -> list[str]:
    jobs = BatchJobs(AnyKey(), base_url=base_url, timeout_seconds=10, max_retries=0)
    limits = PollLimits(max_batches=200, validating_timeout_seconds=300)
    return [
        ended.openai_batch_id
        for ended in batches_to_collect(table, jobs, limits=limits, now=time.time())
    ]


def _pending(number: int) -> dict[str, Any]:
    batch_id = f"5b0c3a66-{number:05d}"
    return BatchSummary(
        batch_id=batch_id,
        status=BatchStatus.PENDING,
        submitted_at=iso(time.time() - 3600 + number),
        model="gpt-5.4-mini",
        targets_key=targets_key(batch_id),
        target_count=50_000,
        request_count=2_000,
        prompt_tokens=4_000_000,
        openai_batch_id=job_server.job_id(number),
    ).to_item()


def _jobs(numbers: Sequence[int]) -> set[str]:
    return {job_server.job_id(number) for number in numbers}


_DETAILS = """
OpenAI's SDK asks a server on loopback, in a process of its own, that answers after 100 ms. The
baseline asks for {some} of the jobs, and its time is multiplied. Here `batches_to_collect` reads
all pending batches from the table, 5 ms a call, asks for their jobs, 64 at a time, and takes those
that have ended, so that nobody else collects them. Both must find the same. Eight rounds of 100 ms
are the least that it can take; the SDK takes {processor:.2f} s of the processor's time, some of it
meanwhile.
"""
