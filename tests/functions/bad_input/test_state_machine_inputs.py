"""Whatever a state machine, or a person, calls a function with: a result or our error."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs
from functions.clients.s3 import Bucket
from functions.completions import chunks
from functions.completions.chunks import chunks_key, entries_key, lines_key
from functions.completions.handlers import apply, collect, finish, list_pending, reconcile, submit
from functions.completions.vocabulary import BatchStatus
from functions.errors import FlowError, InvalidItemError, InvalidMessageError
from functions.vector_store_batch import handler as check
from local.standins.openai import OpenAIStandIn
from tests.functions.bad_input.inputs import (
    NASTY_TEXTS,
    OnlyOurErrors,
    few,
    json_values,
    some,
    spoiled,
)
from tests.functions.completions.collection.pending_batches import PendingBatches, request
from tests.functions.conftest import API_KEY, MakeTable
from tests.functions.invocations import Context

REF = {
    "vectorStoreId": "vs_1",
    "vectorStoreName": "news",
    "batchId": "vsfb_1",
    "context": {"domain": "example.com", "type": "news", "industries": ["a"], "markets": []},
}
Handler = Callable[[Any, Context], Any]
INPUTS: dict[str, tuple[Handler, dict[str, Any]]] = {
    "check": (check.handler, REF),
    "list_pending": (list_pending.handler, {"openaiBatchId": "batch_1"}),
    "collect": (collect.handler, {"batchId": "b-1", "openaiBatchId": "batch_1"}),
    "apply": (apply.handler, {"batchId": "b-1", "chunk": "00001"}),
    "finish": (finish.handler, {"batchId": "b-1"}),
    "submit": (submit.handler, {"any": "thing"}),
    "reconcile": (reconcile.handler, {"any": "thing"}),
}


@pytest.fixture(autouse=True)
def batches(
    monkeypatch: pytest.MonkeyPatch,
    standin: OpenAIStandIn,
    label_table: Table,
    bucket: Bucket,
    jobs: BatchJobs,
    make_table: MakeTable,
) -> Iterator[PendingBatches]:
    """Every function with all that it needs."""
    arn = boto3.client("secretsmanager").create_secret(Name="key", SecretString=API_KEY)["ARN"]
    for name, value in {
        "OPENAI_API_KEY_SECRET_ARN": arn,
        "OPENAI_BASE_URL": standin.base_url,
        "INGEST_LEDGER_TABLE": make_table("ledger").name,
        "LABEL_TABLE": label_table.name,
        "BATCH_BUCKET": bucket.name,
        "COMPLETION_MODEL": "gpt-test",
        "COMPLETION_BATCH_MAX_REQUESTS": "10",
        "COMPLETION_BATCH_MAX_BYTES": "1000000",
        "COMPLETION_MAX_ATTEMPTS": "3",
        "COMPLETION_POLL_MAX_BATCHES": "2",
        "COMPLETION_VALIDATING_TIMEOUT_SECONDS": "300",
        "PROJECTION_ENABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    made = [
        *(m._collaborators for m in (check, list_pending, collect, apply, submit, reconcile)),
        finish._table,
    ]
    for collaborators in made:
        collaborators.cache_clear()
    yield PendingBatches(table=label_table, bucket=bucket, jobs=jobs, standin=standin)
    for collaborators in made:
        collaborators.cache_clear()


@pytest.mark.parametrize("name", INPUTS)
@some
@given(data=st.data())
def test_any_input_gives_a_result_or_our_error(name: str, data: st.DataObject) -> None:
    handler, good = INPUTS[name]
    event = data.draw(json_values | spoiled(good))
    with OnlyOurErrors():
        json.dumps(handler(event, Context(seconds=900)), allow_nan=False)


@pytest.mark.parametrize("name", ["check", "collect", "apply", "finish"])
@few
@given(event=json_values)
@example(event={})
def test_an_input_that_names_nothing_is_refused(name: str, event: Any) -> None:
    with pytest.raises(InvalidMessageError):
        INPUTS[name][0](event, Context())


@pytest.mark.parametrize("field", ["vectorStoreId", "batchId"])
@pytest.mark.parametrize("text", [*NASTY_TEXTS, ".", "%2e%2e", "vs_1/files", "vs_1?x", "a b"])
def test_what_is_no_id_of_openais_is_asked_for_nowhere(
    field: str, text: str, standin: OpenAIStandIn
) -> None:
    if text in ("null", "NaN"):  # which could be ids
        return
    with pytest.raises(InvalidMessageError, match=field):
        check.handler({**REF, field: text}, Context())
    assert not standin.calls


@pytest.mark.parametrize("name", ["collect", "finish", "apply"])
@pytest.mark.parametrize("batch", ["gone", "../b-1", "b-1/../b-1", "é" * 255])
def test_a_batch_that_is_not_there_is_named(name: str, batch: str) -> None:
    handler, good = INPUTS[name]
    with pytest.raises(InvalidItemError, match="there is no batch"):
        handler({**good, "batchId": batch}, Context())


@pytest.mark.parametrize("chunk", ["../00001", "00001.entries", "1", "00001\n", "", "/etc/passwd"])
def test_a_chunk_is_a_number(chunk: str, batches: PendingBatches) -> None:
    summary = batches.begin()
    with pytest.raises(InvalidMessageError, match="chunk"):
        apply.handler({"batchId": summary.batch_id, "chunk": chunk}, Context())


def test_a_chunk_whose_object_is_gone_is_named(batches: PendingBatches) -> None:
    summary = batches.begin()
    with pytest.raises(InvalidItemError, match="chunks/00009"):
        apply.handler({"batchId": summary.batch_id, "chunk": "00009"}, Context())


@some
@given(lines=st.binary(max_size=40), entries=st.binary(max_size=60))
@example(lines=b"", entries=b'{"customId":null,"targets":[],"line":7,"reason":null}\n')
@example(
    lines=b"",
    entries=chunks.entry_line(request(0).to_line(), line=7),
)
def test_any_chunk_is_applied_or_refused(
    batches: PendingBatches, lines: bytes, entries: bytes
) -> None:
    summary = batches.begin()
    batches.bucket.put(lines_key(summary.batch_id, "00001"), lines)
    batches.bucket.put(entries_key(summary.batch_id, "00001"), entries)
    with OnlyOurErrors():
        apply.handler({"batchId": summary.batch_id, "chunk": "00001"}, Context())


@few
@given(content=st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
@example(content=b"7")
def test_any_list_of_chunks_of_an_ended_batch_is_counted_or_refused(
    batches: PendingBatches, content: bytes
) -> None:
    summary = batches.begin(status=BatchStatus.COMPLETED)
    batches.bucket.put(chunks_key(summary.batch_id), content)
    with OnlyOurErrors():
        collect.handler({"batchId": summary.batch_id}, Context())


@some
@given(content=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_object_of_targets_is_collected_or_refused(
    batches: PendingBatches, content: bytes
) -> None:
    summary = batches.begin()
    batches.bucket.put(summary.targets_key, content + b"\n")
    with pytest.raises(FlowError):
        collect.handler({"batchId": summary.batch_id}, Context())
