"""Whatever the files of a job's answers hold: no label is lost, and the counts add up."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from functions.clients.dynamodb import Table
from functions.clients.openai_batches import BatchJobs, Job
from functions.clients.s3 import Bucket
from functions.completions.collection.collecting import collect
from functions.completions.collection.finishing import finish
from functions.completions.entities import ReceiptWordLabel
from functions.completions.judgement.applying import apply
from functions.completions.labels import batch_summary
from functions.completions.messages import ChunkRef
from functions.completions.vocabulary import BatchStatus, ValidationStatus
from local.standins.openai import OpenAIStandIn
from tests.functions.bad_input.inputs import DEEP, few, json_values, spoiled
from tests.functions.completions.collection.pending_batches import PendingBatches, name, request
from tests.functions.completions.judgement.answered_batches import held, put
from tests.functions.completions.judgement.answered_lines import answering, result

NOW = 2_000_000_000.0
REQUESTS = 3


def good(number: int) -> dict[str, Any]:
    """The line that answers a request well."""
    results = [result(target, is_valid=True) for target in request(number).targets]
    line: dict[str, Any] = json.loads(answering(results))
    return line | {"custom_id": name(number)}


def to_line(value: Any) -> bytes:
    return json.dumps(value).encode()


lines = (
    st.sampled_from([to_line(good(number)) for number in range(REQUESTS)])
    | st.integers(0, REQUESTS - 1).flatmap(lambda number: spoiled(good(number)).map(to_line))
    | json_values.map(to_line)
    | st.binary(max_size=30)
    | st.builds(
        lambda number, outcome: to_line({"custom_id": name(number), **outcome}),
        st.integers(0, REQUESTS),
        st.dictionaries(st.sampled_from(["response", "error"]), json_values),
    )
    | st.sampled_from(
        [
            DEEP.encode(),
            to_line({"custom_id": name(0), "response": {"status_code": 10**400, "body": {}}}),
            to_line(good(0)).replace(b'"completed"', b"NaN"),
            to_line(good(0)) + b"\r",
            b"\x00",
            to_line(good(0))[:-9],
        ]
    )
)


@dataclass(frozen=True)
class Ended:
    """OpenAI, where every job has ended and left these files."""

    status: str
    files: Mapping[str, bytes | None]

    def job(self, job_id: str) -> Job:
        output, errors = (None if self.files[id_] is None else id_ for id_ in self.files)
        return Job(
            id=job_id, status=self.status, created_at=1, output_file_id=output, error_file_id=errors
        )

    @contextmanager
    def content(self, file_id: str) -> Iterator[Iterator[bytes]]:
        yield iter([self.files[file_id] or b""])


files = st.none() | st.lists(lines, max_size=5).map(b"\n".join)


@few
@given(output=files, errors=files, status=st.sampled_from(["completed", "expired", "failed"]))
@example(output=b"\xff" * 9, errors=None, status="completed")
@example(output=None, errors=None, status="failed")
@example(output=to_line(good(0)) * 2, errors=to_line(good(1)), status="cancelled")
def test_no_label_is_lost_and_every_target_has_its_outcome(
    label_table: Table,
    bucket: Bucket,
    jobs: BatchJobs,
    standin: OpenAIStandIn,
    output: bytes | None,
    errors: bytes | None,
    status: str,
) -> None:
    batches = PendingBatches(table=label_table, bucket=bucket, jobs=jobs, standin=standin)
    summary = batches.begin(REQUESTS)
    targets = [target for number in range(REQUESTS) for target in request(number).targets]
    put(label_table, *[held(target, batch_id=summary.batch_id) for target in targets])
    ended: Any = Ended(status, {"file-out": output, "file-err": errors})

    collect(label_table, bucket, ended, batch_id=summary.batch_id, now=NOW)
    for ref in batches.chunks(summary):
        chunk = ChunkRef.parse(ref)
        apply(chunk, table=label_table, bucket=bucket, max_attempts=3, clock=lambda: NOW)
    finish(label_table, batch_id=summary.batch_id, now=NOW)

    after = batch_summary(label_table, summary.batch_id)
    assert after
    assert after.status not in (BatchStatus.PENDING, BatchStatus.SUBMITTING)
    assert sum(after.outcomes.values()) == summary.target_count == len(targets)
    for target in targets:
        label = ReceiptWordLabel.from_item(label_table.get(target.key) or {})
        assert label.validation_status is not ValidationStatus.PENDING
