"""Verdicts come when a job has ended, though no schedule is due for hours; a forger brings none."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from openai import OpenAI

from functions.completions.vocabulary import BatchStatus
from local.demo.labels.reading import LabelSnapshot, read_label_table
from local.demo.labels.scenario import LABELS, RECEIPTS
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.stack import LOCAL_WEBHOOK_SECRET
from local.standins.openai.webhooks import post, signed
from tests.local.commands import local
from tests.local.test_up import client, wait_for

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(300)]

# Nothing is due before the test is over.
SCHEDULES = ("completionSubmitMinutes", "completionPollMinutes", "completionReconcileMinutes")
OTHERS = "whsec_c29tZWJvZHkgZWxzZSBrbm93cyBvbmx5IHRoaXMgb25l"


@dataclass(frozen=True)
class Labels:
    """The label-completion flow of ``python -m local up``, with two receipts."""

    outputs: dict[str, str]
    destination: Destination

    def look(self) -> LabelSnapshot:
        return read_label_table(self.destination.dynamodb(), self.destination.label_table_name)

    def submit(self) -> str:
        """The id of the one job."""
        answer = client("lambda", self.outputs).invoke(
            FunctionName=self.outputs["submitCompletionBatchFunctionName"]
        )
        [batch] = json.loads(answer["Payload"].read())["batches"]
        return str(batch["openaiBatchId"])

    def ended_at(self, job: str) -> int:
        """When OpenAI had it done, in Unix seconds."""
        with OpenAI(api_key="any", base_url=self.outputs["openaiBaseUrl"]) as openai:
            ended = openai.batches.retrieve(job).completed_at
        assert ended is not None
        return ended

    def executions(self) -> dict[str, str]:
        """How each execution of the poll flow stands, by its name."""
        found = client("stepfunctions", self.outputs).list_executions(
            stateMachineArn=self.outputs["completionPollFlowArn"]
        )["executions"]
        return {each["name"]: each["status"] for each in found}

    def send(self, body: Mapping[str, Any], secret: str = LOCAL_WEBHOOK_SECRET, **at: Any) -> int:
        """What the URL says to an event."""
        content = json.dumps(body).encode()
        status = post(self.outputs["webhookUrl"], content, signed(content, secret, **at))
        assert status is not None
        return status


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labels]:
    scratch = tmp_path_factory.mktemp("scratch")
    file = tmp_path_factory.mktemp("outputs") / "outputs.json"
    once_a_day = [part for name in SCHEDULES for part in ("--config", f"{name}=1440")]
    with local(scratch, "up", "--outputs", str(file), *once_a_day) as process:
        wait_for(file.exists, process)
        destination = Destination.read(file)
        receipts = read_receipts(RECEIPTS)[:2]
        ids = {receipt.id for receipt in receipts}
        every = read_labels(LABELS, read_receipts(RECEIPTS))
        with destination.pinecone().index() as index:
            import_receipts(
                receipts,
                [label for label in every if label.receipt in ids],
                table=destination.table(),
                index=index,
                namespace=destination.pinecone_namespace,
                clock=time.time,
            )
        yield Labels(json.loads(file.read_text()), destination)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def end_of(job: str, kind: str = "batch.completed") -> dict[str, Any]:
    return {"id": "evt_1", "object": "event", "created_at": 1, "type": kind, "data": {"id": job}}


def test_who_forges_an_end_brings_nothing_about(labels: Labels) -> None:
    url = labels.outputs["webhookUrl"]
    before = labels.executions()
    assert labels.send(end_of("batch_1"), OTHERS) == 401
    assert labels.send(end_of("batch_1"), at=time.time() - 301) == 401
    assert labels.send({"needle": 1}) == 400
    assert labels.send(end_of("batch_1", "response.completed")) == 200
    assert post(url, b"{}", {}) == 400
    assert post(url, b"x" * 100_000, {"content-type": "application/json"}) == 413
    assert labels.executions() == before == {}


def test_the_end_of_somebody_elses_job_is_looked_at_and_is_no_failure(
    labels: Labels, eventually: Callable[..., Any]
) -> None:
    before = labels.executions()
    for _ in range(2):
        assert labels.send(end_of("batch_of_another_stack"), webhook_id="wh_others") == 200
    ended = eventually(lambda: all_ended(labels.executions()), 60)
    assert ended == {**before, "wh_others": "SUCCEEDED"}


def all_ended(executions: Mapping[str, str]) -> Mapping[str, str] | None:
    return None if "RUNNING" in executions.values() else executions


def test_verdicts_come_without_the_schedule(labels: Labels, eventually: Callable[..., Any]) -> None:
    before, job = labels.executions(), labels.submit()
    assert labels.look().statuses["VALID"] == 0

    eventually(lambda: labels.look().statuses["VALID"], 120)
    print(f"{time.time() - labels.ended_at(job):.1f} s from the job's end to a verdict")
    eventually(lambda: not labels.look().under_way, 60)

    [batch] = labels.look().batches
    assert (batch.openai_batch_id, batch.status) == (job, BatchStatus.COMPLETED)
    ended = eventually(lambda: all_ended(labels.executions()), 60)
    [(name, status)] = ended.items() - before.items()
    assert (name[:3], status) == ("wh_", "SUCCEEDED")
    assert labels.send(end_of(job), webhook_id=name) == 200
    assert labels.executions() == ended
