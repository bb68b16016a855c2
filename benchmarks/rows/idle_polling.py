"""A month in which none of fifty batches ends: counted runs, priced."""

import json
import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from openai import OpenAI

from benchmarks.bill.aws_bill import Part, Usage, bill, bill_table, prices_as_of, usd_of
from benchmarks.bill.aws_usage import Meter, PlainFunction, metered
from benchmarks.row import Row, under
from functions.clients.dynamodb import Table
from functions.completions.batches import BatchSummary
from functions.completions.vocabulary import BatchStatus
from local.stack import LocalStack, OpenAIServer, running
from local.standins.openai import JobPlan, OpenAIStandIn
from ops import aws_prices
from ops.costs.lines import Bill

_BATCHES = 50
_MINUTES = 5
_RUNS = 30 * 24 * 60 // _MINUTES
_STATUS_SECONDS = 0.1
_PATIENCE_SECONDS = 60
_MODEL = "gpt-5.4-mini"
_ENDPOINT: Literal["/v1/responses"] = "/v1/responses"
_METRIC_USD = float(aws_prices.METRIC_MONTH.usd)
_LIST, _CHECK, _COLLECT = "plain-list", "plain-check", "plain-collect"
_INVOKE = "arn:aws:states:::lambda:invoke"

_PLAIN_MACHINE: Mapping[str, Any] = {
    "StartAt": "ListPendingBatches",
    "States": {
        "ListPendingBatches": {
            "Type": "Task",
            "Resource": _INVOKE,
            "Parameters": {"FunctionName": _LIST, "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Next": "ForEachBatch",
        },
        "ForEachBatch": {
            "Type": "Map",
            "ItemsPath": "$.batches",
            "MaxConcurrency": 10,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "CheckStatus",
                "States": {
                    "CheckStatus": {
                        "Type": "Task",
                        "Resource": _INVOKE,
                        "Parameters": {"FunctionName": _CHECK, "Payload.$": "$"},
                        "OutputPath": "$.Payload",
                        "Next": "HasItEnded",
                    },
                    "HasItEnded": {
                        "Type": "Choice",
                        "Choices": [
                            {
                                "Variable": "$.status",
                                "StringEquals": "completed",
                                "Next": "Collect",
                            }
                        ],
                        "Default": "StillPending",
                    },
                    "Collect": {
                        "Type": "Task",
                        "Resource": _INVOKE,
                        "Parameters": {"FunctionName": _COLLECT, "Payload.$": "$"},
                        "End": True,
                    },
                    "StillPending": {"Type": "Succeed"},
                },
            },
            "End": True,
        },
    },
}


def measure() -> Row:
    """A run of each machine, warm, and 8,640 times of it."""
    with OpenAIStandIn() as standin, _stack(standin) as stack, stack.openai_client() as openai:
        _plant(stack, standin, openai)
        with metered(stack.aws, _plain_functions(stack, openai)) as meter:
            polling = _Polling(stack, standin, meter)
            theirs = polling.run(_plain_machine(stack))
            cold = polling.run(stack.aws.outputs["completionPollFlowArn"])
            ours = polling.run(stack.aws.outputs["completionPollFlowArn"])
    del theirs.counted[Part.TRACES]  # a plain machine has none
    # Kept for five minutes, the secret is too old for the next run.
    ours.counted[Part.SECRETS] = 1
    month = {"here": bill(ours, times=_RUNS), "the Map": bill(theirs, times=_RUNS)}
    usd, their_usd = map(usd_of, month.values())
    return Row(
        what=f"month of idle polling, {_BATCHES} batches pending, every {_MINUTES} minutes",
        baseline=f"Map over all of them in a Standard machine: ${their_usd:.2f}",
        ours=f"${usd:.2f}, and ${usd + _METRIC_USD:.2f} with the metric that an alarm wants",
        goals=(under(1, measured=usd, unit="USD"),),
        details=_details(month, ours, theirs, usd_of(bill(cold, times=_RUNS))),
    )


def _stack(standin: OpenAIStandIn) -> AbstractContextManager[LocalStack]:
    return running(
        config={"completionSchedulesEnabled": "false"},
        openai=OpenAIServer(base_url=standin.base_url),
    )


def _plant(stack: LocalStack, standin: OpenAIStandIn, openai: OpenAI) -> None:
    """Batches whose jobs never end."""
    standin.job_plans.add(JobPlan(in_progress=None))
    table = Table(stack.aws.client("dynamodb"), stack.aws.outputs["labelTableName"])
    line = {"custom_id": "1", "method": "POST", "url": _ENDPOINT, "body": {"model": _MODEL}}
    content = json.dumps(line).encode()
    file = openai.files.create(file=("requests.jsonl", content), purpose="batch")
    for _ in range(_BATCHES):
        job = openai.batches.create(
            input_file_id=file.id, endpoint=_ENDPOINT, completion_window="24h"
        )
        table.put(_summary(job.id, file.id).to_item())
    standin.latency["batches.retrieve"] = _STATUS_SECONDS


def _summary(job_id: str, file_id: str) -> BatchSummary:
    batch_id = str(uuid.uuid4())
    return BatchSummary(
        batch_id=batch_id,
        status=BatchStatus.PENDING,
        submitted_at=datetime.now(UTC).isoformat(),
        model=_MODEL,
        targets_key=f"batches/{batch_id}/targets.jsonl",
        target_count=180_000,
        request_count=9_000,
        prompt_tokens=25_000_000,
        answer_tokens=9_000_000,
        openai_batch_id=job_id,
        input_file_id=file_id,
    )


def _plain_machine(stack: LocalStack) -> str:
    created = stack.aws.client("stepfunctions").create_state_machine(
        name="plain",
        definition=json.dumps(_PLAIN_MACHINE),
        roleArn="arn:aws:iam::123456789012:role/plain",
    )
    return str(created["stateMachineArn"])


def _plain_functions(stack: LocalStack, openai: OpenAI) -> Mapping[str, PlainFunction]:
    """Small functions of 256 MB, with their clients made once."""
    dynamodb = stack.aws.client("dynamodb", caller="plain")

    def list_pending(_event: Any) -> Any:
        pages = dynamodb.get_paginator("query").paginate(
            TableName=stack.aws.outputs["labelTableName"],
            IndexName="GSI1",
            KeyConditionExpression="GSI1PK = :pending",
            ExpressionAttributeValues={":pending": {"S": "STATUS#PENDING"}},
        )
        jobs = [item["openai_batch_id"]["S"] for page in pages for item in page["Items"]]
        return {"batches": [{"openaiBatchId": job} for job in jobs]}

    def check(event: Any) -> Any:
        return {**event, "status": openai.batches.retrieve(event["openaiBatchId"]).status}

    return {_LIST: list_pending, _CHECK: check}


@dataclass(frozen=True)
class _Polling:
    """Runs a machine, and sees that it did what it is there for."""

    stack: LocalStack
    standin: OpenAIStandIn
    meter: Meter

    def run(self, machine_arn: str) -> Usage:
        """What one execution uses; RuntimeError if it failed or overlooked a job."""
        self.standin.calls.clear()
        client = self.stack.aws.client("stepfunctions")
        arn = client.start_execution(stateMachineArn=machine_arn, input="{}")["executionArn"]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (found := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{arn} has not ended")
            time.sleep(0.1)
        looked_at = {call.path for call in self.standin.calls.of("batches.retrieve")}
        if found["status"] != "SUCCEEDED" or len(looked_at) != _BATCHES:
            raise RuntimeError(f"{arn} {found['status']}, and looked at {len(looked_at)} jobs")
        usage = self.meter.taken(machine_arn)
        usage.counted[Part.SCHEDULER] += 1
        return usage


def _details(month: Mapping[str, Bill], ours: Usage, theirs: Usage, cold_usd: float) -> str:
    [polling] = ours.invocations
    start_usd = _RUNS * float(aws_prices.STATE_TRANSITION.usd)
    return f"""\
Both machines run on the embedded AWS, warm, with {_BATCHES} batches that are `PENDING` and whose
jobs OpenAI's stand-in calls `in_progress`, each after {_STATUS_SECONDS * 1000:.0f} ms. Both have
looked at every job and found none that has ended. What one run uses is counted and taken {_RUNS:,}
times: transitions from the executions' histories, Lambda's time at the call, DynamoDB's units by
the sizes of the items, and the bytes that go to the logs, Lambda's own lines with them. Prices are
those of `ops/aws_prices.py` ({prices_as_of(month["here"])}), without free tiers.

{bill_table(month)}
A run here is {ours.counted[Part.TRANSITIONS]} transitions and one invocation of
{polling.seconds * 1000:.0f} ms, which looks at all jobs side by side. One of the Map is
{theirs.counted[Part.TRANSITIONS]} transitions and {len(theirs.invocations)} invocations: each batch
costs it the check, the choice, and the state that a choice has to lead to (at two a batch it would
be some $22). The transitions are most of what is left to pay, and an execution that calls a
function, chooses and ends has no fewer. A transition is a state that is entered, or a retry; if an
execution's start is one too, as `ops cost` takes it to be on the safe side, the month is
${start_usd:.2f} dearer for either. Were each run here a cold start, as it was measured on this
machine, the month would be ${cold_usd:.2f}. OpenAI takes nothing for its answers.

Not in it is what costs the same however often anything is polled, and what a plain machine has none
of: the metric of the oldest batch's age, ${_METRIC_USD:.2f} a month, and its alarm.
"""
