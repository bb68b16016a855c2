"""``CompletionPollFlow``: collect, apply and finish every batch that has ended, then project.

A batch that cannot be brought to its end now is left for the next run, and disturbs no other. An
execution in which one was left is itself failed, but only after everything else was done.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pulumi
from pydantic import Field
from pydantic.dataclasses import dataclass

from infra.checked import CHECKED
from infra.state_machines.retriers import transient_retrier

COMPLETION_TIMEOUT_SECONDS: Mapping[str, int] = MappingProxyType(
    {"list_pending": 120, "collect": 900, "apply": 300, "finish": 120, "project": 900}
)
# Pinecone takes 100 words a second, so a long projection is most of it.
_FLOW_TIMEOUT_SECONDS = 12 * 3600
_TO_NEXT_RUN = "LeftForNextRun"


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class CompletionPolling:
    """How many batches are worked on at once, and how many chunks of each."""

    # An inline Map has at most 40 iterations at once.
    batches_at_once: int = Field(default=10, ge=1, le=40)
    """The most batches that one run of CompletionPollFlow works on at once (1 to 40)."""
    chunks_at_once: int = Field(default=10, ge=1, le=1_000)
    """The most chunks of one batch that are applied at once (1 to 1000)."""


def completion_poll_flow(
    *, polling: CompletionPolling, functions: Mapping[str, pulumi.Input[str]]
) -> dict[str, Any]:
    """The definition; ``functions`` are ARNs by the names of the handlers' modules.

    Without a function ``project`` nothing is projected. The input goes to ``list_pending`` as it
    is.
    """
    projecting = "project" in functions
    return {
        "Comment": "Brings every finished label-completion batch of OpenAI's to its end",
        "StartAt": "ListPendingBatches",
        "TimeoutSeconds": _FLOW_TIMEOUT_SECONDS,
        "States": {
            "ListPendingBatches": {
                **_task(functions, "list_pending"),
                "OutputPath": "$.Payload",
                "Next": "AnythingToDo",
            },
            "AnythingToDo": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.batches[0]", "IsPresent": True, "Next": "ForEachBatch"},
                    *([_if_true("$.unprojected", "ForEachBatch")] if projecting else []),
                ],
                "Default": "Done",
            },
            "ForEachBatch": {
                "Type": "Map",
                "ItemsPath": "$.batches",
                "MaxConcurrency": polling.batches_at_once,
                # The batch, and for the log lines which execution it is collected in.
                "ItemSelector": {
                    "batchId.$": "$$.Map.Item.Value.batchId",
                    "openaiBatchId.$": "$$.Map.Item.Value.openaiBatchId",
                    "execution.$": "$$.Execution.Name",
                },
                "ItemProcessor": _one_batch(polling, functions),
                "ResultSelector": {"left.$": "States.ArrayContains($, 'left')"},
                "ResultPath": "$.outcomes",
                "Next": "Project" if projecting else "AnythingLeft",
            },
            **(_projection(functions) if projecting else {}),
            "AnythingLeft": {
                "Type": "Choice",
                "Choices": [
                    *([_if_true("$.projection.remaining", "Project")] if projecting else []),
                    _if_true("$.outcomes.left", "BatchesLeft"),
                ],
                "Default": "Done",
            },
            "BatchesLeft": {
                "Type": "Fail",
                "Error": "BatchesLeft",
                "Cause": "A batch could not be brought to its end: the history has its error, and "
                "the next run tries it again",
            },
            "Done": {"Type": "Succeed"},
        },
    }


def _one_batch(
    polling: CompletionPolling, functions: Mapping[str, pulumi.Input[str]]
) -> dict[str, Any]:
    """The way of one batch; what comes out is ``done`` or ``left``."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": _TO_NEXT_RUN}]
    return {
        "ProcessorConfig": {"Mode": "INLINE"},
        "StartAt": "Collect",
        "States": {
            "Collect": {
                **_task(functions, "collect"),
                "OutputPath": "$.Payload",
                "Catch": catch,
                "Next": "ApplyChunks",
            },
            "ApplyChunks": {
                "Type": "Map",
                "Label": "ApplyChunks",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.chunksKey"},
                },
                "MaxConcurrency": polling.chunks_at_once,
                # A chunk that fails must not end the others: what is missing, Finish counts.
                "ToleratedFailurePercentage": 100.0,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Apply",
                    "States": {
                        "Apply": {
                            **_task(functions, "apply"),
                            "OutputPath": "$.Payload",
                            "End": True,
                        }
                    },
                },
                # The chunks say nothing: what became of them is in the table.
                "ResultPath": None,
                "Catch": catch,
                "Next": "Finish",
            },
            "Finish": {
                **_task(functions, "finish"),
                "OutputPath": "$.Payload.outcome",
                "Catch": catch,
                "End": True,
            },
            _TO_NEXT_RUN: {"Type": "Pass", "Result": "left", "End": True},
        },
    }


def _projection(functions: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    """One writer, again and again until no word is left to be projected."""
    return {
        "Project": {
            **_task(functions, "project", payload={}),
            "ResultSelector": {"remaining.$": "$.Payload.remaining"},
            "ResultPath": "$.projection",
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "ResultPath": "$.failure",
                    "Next": "ProjectionFailed",
                }
            ],
            "Next": "AnythingLeft",
        },
        "ProjectionFailed": {
            "Type": "Fail",
            "ErrorPath": "$.failure.Error",
            "CausePath": "$.failure.Cause",
        },
    }


def _task(
    functions: Mapping[str, pulumi.Input[str]], name: str, payload: object = None
) -> dict[str, Any]:
    """A call of one function, with the state's input unless a payload is given."""
    given = {"Payload.$": "$"} if payload is None else {"Payload": payload}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": functions[name], **given},
        "TimeoutSeconds": COMPLETION_TIMEOUT_SECONDS[name],
        "Retry": [transient_retrier()],
    }


def _if_true(variable: str, state: str) -> dict[str, Any]:
    return {"Variable": variable, "BooleanEquals": True, "Next": state}
