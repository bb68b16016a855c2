"""A batch's verdicts, from the lines that answer it to the label table and to Pinecone.

DynamoDB is ``benchmarks.servers.dynamodb``, and Pinecone the stand-in, which keeps to its
documented rate.
"""

import json
import time
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

import boto3
from boto3.dynamodb.conditions import Attr, Key
from pinecone import Index

from benchmarks.row import Goal, Row, seconds, times_faster
from benchmarks.servers import dynamodb
from benchmarks.servers.keys import AnyKey
from benchmarks.work import label_work
from benchmarks.work.label_outcomes import State, same, shown, state, updates
from benchmarks.work.label_work import BATCH, NOW, HeldObjects, Judged, metadata
from functions.clients.dynamodb import Table
from functions.clients.pinecone import VectorIndex
from functions.completions.chunks import lines_key
from functions.completions.entities import iso
from functions.completions.judgement.applying import apply
from functions.completions.judgement.judgements import PROPOSER
from functions.completions.messages import ChunkRef
from functions.completions.projection.pace import Pace
from functions.completions.projection.projecting import project
from infra.function import PineconeAccess
from local.standins.pinecone import DOCUMENTED_UPDATE_RATE, PineconeStandIn

_LABELS, _SCALED = 2_000, 50_000
_WORDS_OF_BASELINE = 100
_DYNAMODB_SECONDS, _PINECONE_SECONDS = 0.005, 0.02
# A record in a transaction takes two write units, of which a partition takes 1,000 a second:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
_RECORDS_A_SECOND = 500
_PACE = PineconeAccess.updates_per_second
_CHUNK = ChunkRef(batch_id=BATCH, chunk="00001")
_BASELINE, _OURS = "baseline", "ours"


class _Took(NamedTuple):
    """Seconds of each part; the first two are the baseline's."""

    one_by_one: float
    merged: float
    applied: float
    processor: float
    """Of ``applied``."""
    projected: float
    rate: float
    """Words a second, as Pinecone saw them."""
    refused: int
    """Updates that were too many for it."""


def measure() -> Row:
    """Both sides, whose labels, records and vectors must be the same in the end."""
    took = _both(label_work.judged_labels(_LABELS))
    return Row(
        what=f"applying {_LABELS:,} verdicts, {_DYNAMODB_SECONDS * 1000:g} ms a DynamoDB call, "
        f"{_PINECONE_SECONDS * 1000:g} ms a Pinecone call at {DOCUMENTED_UPDATE_RATE} a second",
        baseline=f"one label after another: {took.one_by_one:.1f} s; fetch, merge, update: "
        f"{_WORDS_OF_BASELINE / took.merged:.0f} words a second",
        ours=f"{took.applied:.2f} s; {took.rate:.1f} words a second",
        goals=(
            times_faster(20, baseline=took.one_by_one, ours=took.applied),
            Goal(
                to_reach=f"{_PACE} updates a second to within 2 %, as is set for the "
                f"{DOCUMENTED_UPDATE_RATE} that Pinecone takes",
                measured=f"{took.rate:.1f} a second",
                is_reached=took.rate >= 0.98 * _PACE,
            ),
        ),
        details=_DETAILS.format(
            receipts=_LABELS // label_work.LABELS_A_RECEIPT,
            scaled=_SCALED,
            baseline_minutes=took.one_by_one * _SCALED / _LABELS / 60,
            seconds=took.applied * _SCALED / _LABELS,
            processor=took.processor,
            partition_seconds=_SCALED / _RECORDS_A_SECOND,
            words=_WORDS_OF_BASELINE,
            projected=took.projected,
            refused=took.refused,
            minutes=_SCALED / took.rate / 60,
        ),
    )


def _both(work: list[Judged]) -> _Took:
    with dynamodb.running(_DYNAMODB_SECONDS), PineconeStandIn() as pinecone:
        objects = HeldObjects(work)
        with Index(host=pinecone.host, api_key="any") as index:
            for name in (_BASELINE, _OURS):
                label_work.fill(Table.named(name), work)
                label_work.fill_index(index, name, work)
        pinecone.latency["fetch"] = pinecone.latency["update"] = _PINECONE_SECONDS
        pinecone.update_rate = DOCUMENTED_UPDATE_RATE
        one_by_one, _ = seconds(lambda: _apply_one_by_one(objects))
        began = time.process_time()
        applied, _ = seconds(lambda: _apply_chunk(objects))
        processor = time.process_time() - began
        told = state(_BASELINE)
        same(told, state(_OURS), "labels and records")
        some = work[:_WORDS_OF_BASELINE]
        merged, _ = seconds(lambda: _merge_one_by_one(pinecone, some, told))
        projected, _ = seconds(lambda: _project(pinecone))
        after = {
            one.id.word.vector_id: metadata(one) | _merged(metadata(one), one, told) for one in work
        }
        same(after, shown(pinecone, _OURS), "vectors")
        here = shown(pinecone, _BASELINE)
        same(after, after | {id_: here[id_] for id_ in islice(after, len(some))}, "vectors")
    return _Took(one_by_one, merged, applied, processor, projected, *updates(pinecone, _OURS))


def _apply_one_by_one(objects: HeldObjects) -> None:
    """The baseline: each result read, judged and written by itself."""
    table = boto3.resource("dynamodb").Table(_BASELINE)
    for line in objects.objects[lines_key(BATCH, "00001")].splitlines():
        body = json.loads(line)["response"]["body"]
        message = next(item for item in body["output"] if item["type"] == "message")
        for result in json.loads(message["content"][0]["text"])["results"]:
            _write_result(table, result, body["usage"])


def _write_result(table: Any, result: Mapping[str, Any], usage: Mapping[str, int]) -> None:
    parts = result["id"].split("#")
    pk, sk, label_name = "#".join(parts[:2]), "#".join(parts[2:10]), parts[9]
    # The word's labels in one call, the one to be judged among them.
    word = Key("PK").eq(pk) & Key("SK").begins_with(sk.removesuffix(label_name))
    labels = {item["SK"]: item for item in table.query(KeyConditionExpression=word)["Items"]}
    label = labels.pop(sk)
    if label["validation_status"] != "PENDING" or label["batch_id"] != BATCH:
        return
    suggested, others = result["correct_label"], labels
    correction = sk.removesuffix(label_name) + suggested if suggested else ""
    if result["is_valid"]:
        status = "VALID"
    elif correction in others or any(o["validation_status"] == "INVALID" for o in others.values()):
        status = "NEEDS_REVIEW"
    else:
        status = "INVALID"
    table.update_item(
        Key={"PK": pk, "SK": sk},
        UpdateExpression="SET validation_status = :status, GSI3PK = :index",
        ConditionExpression="validation_status = :pending",
        ExpressionAttributeValues={
            ":status": status,
            ":index": f"VALIDATION_STATUS#{status}",
            ":pending": "PENDING",
        },
    )
    if correction and correction not in others:
        proposed = _proposed(pk, correction, label_name)
        table.put_item(Item=proposed, ConditionExpression=Attr("PK").not_exists())
    table.put_item(Item=_record(pk, sk, status, result, usage))


def _proposed(pk: str, sk: str, rejected: str) -> dict[str, Any]:
    word, _, label = sk.partition("#LABEL#")
    return {
        "PK": pk,
        "SK": sk,
        "TYPE": "RECEIPT_WORD_LABEL",
        "GSI1PK": f"LABEL#{label}",
        "GSI1SK": f"{pk}#{word}",
        "GSI3PK": "VALIDATION_STATUS#NONE",
        "GSI3SK": f"{iso(NOW)}#{pk}#{sk}",
        "validation_status": "NONE",
        "timestamp_added": iso(NOW),
        "label_proposed_by": PROPOSER,
        "label_consolidated_from": rejected,
    }


def _record(
    pk: str, sk: str, status: str, result: Mapping[str, Any], usage: Mapping[str, int]
) -> dict[str, Any]:
    label = sk.partition("#LABEL#")[2]
    return {
        "PK": f"BATCH#{BATCH}",
        "SK": f"RESULT#{pk}#{sk}",
        "TYPE": "COMPLETION_BATCH_RESULT",
        "GSI1PK": f"LABEL#{label}",
        "GSI1SK": f"STATUS#{status}",
        "GSI2PK": f"BATCH#{BATCH}",
        "GSI2SK": f"STATUS#{status}",
        "GSI3PK": f"{pk}#{sk.partition('#LINE#')[0]}",
        "GSI3SK": f"BATCH#{BATCH}#STATUS#{status}",
        "outcome": status,
        "original_label": label,
        "gpt_suggested_label": result["correct_label"],
        "is_valid": result["is_valid"],
        "input_tokens": usage["input_tokens"],
        "output_tokens": usage["output_tokens"],
        "validated_at": iso(NOW),
    }


def _merge_one_by_one(pinecone: PineconeStandIn, work: Iterable[Judged], told: State) -> None:
    """The baseline: what Pinecone has of each word, with what has become of its label."""
    with Index(host=pinecone.host, api_key="any") as index:
        for one in work:
            id_ = one.id.word.vector_id
            before = index.fetch(ids=[id_], namespace=_BASELINE).vectors[id_].metadata or {}
            index.update(id=id_, set_metadata=_merged(before, one, told), namespace=_BASELINE)


def _merged(before: Mapping[str, Any], one: Judged, told: State) -> dict[str, Any]:
    status = told[one.id.key["PK"], one.id.key["SK"]][0]
    correction = one.id.of_same_word(one.suggested).key if one.suggested else {}
    found = told.get((correction.get("PK", ""), correction.get("SK", "")))
    return {
        "valid_labels": before["valid_labels"] + [one.id.label] * (status == "VALID"),
        "invalid_labels": before["invalid_labels"] + [one.id.label] * (status == "INVALID"),
        "proposed_label": one.suggested if found and found[0] == "NONE" else "",
    }


def _apply_chunk(objects: HeldObjects) -> None:
    table = Table.named(_OURS)
    apply(_CHUNK, table=table, bucket=objects, max_attempts=3, clock=lambda: NOW)


def _project(pinecone: PineconeStandIn) -> None:
    index = VectorIndex(AnyKey(), host=pinecone.host, namespace=_OURS, timeout_seconds=5)
    done = project(Table.named(_OURS), index, deadline=time.time() + 900, pace=Pace(_PACE))
    index.close()
    if done.projected != _LABELS:
        raise RuntimeError(f"not all words were projected: {done}")


_DETAILS = """
Both sides read the same lines of a job's output file, {receipts} receipts with 25 labels each, and
must leave the same labels, corrections, records and vectors behind, or nothing is reported.
DynamoDB is a server on loopback, in a process of its own, that holds the items and answers after 5
ms; what the SDK costs the processor counts for both. The baseline reads a word's labels, updates
one, puts its correction, if it gets one, and its record. Here one call of `apply`, in one process,
reads a receipt's labels with each query and writes up to 50 judgements with each transaction, 16
calls at a time. For {scaled:,} verdicts it is {baseline_minutes:.0f} minutes against {seconds:.0f}
seconds; that a Distributed Map applies ten chunks at once is not in it.

Of the time here, {processor:.2f} s are the processor's, and by a profile two thirds of those are
botocore's, which walks through each call and answer. It was twice as much with boto3's resource and
with botocore's check of its arguments, each of which was a quarter. DynamoDB's limit is not
simulated: a partition takes 1,000 write units a second, a record in a transaction is two, and a
batch's records are in one partition, so that {scaled:,} of them take {partition_seconds:.0f} s
unless DynamoDB splits it.

Pinecone is the stand-in, which answers after 20 ms and refuses what is above the documented rate.
The baseline fetches, merges and updates {words} words, one after another; here `project` brings all
in line, from their marks in the table until the marks have gone, in {projected:.1f} s. Its rate is
that of the updates as Pinecone saw them; {refused} were refused, and tried again by the SDK. A turn
that no thread can take in time is lost, as making up for it would be a burst, of which Pinecone
refuses a part. That is the limit: however it is done, {scaled:,} words take {minutes:.0f} minutes.
"""
