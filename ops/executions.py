"""Executions of a state machine, as the operator needs them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

RUNNING, SUCCEEDED = "RUNNING", "SUCCEEDED"
# The second is of one that Step Functions itself is about to redrive.
UNDER_WAY = frozenset({RUNNING, "PENDING_REDRIVE"})


@dataclass(frozen=True, kw_only=True)
class Execution:
    """An execution; times are Unix seconds. ``input`` is JSON text."""

    arn: str
    name: str
    status: str
    started_at: float
    input: str
    error: str
    cause: str
    output: str = ""
    """JSON text; empty unless it has succeeded."""

    @property
    def reason(self) -> str:
        """Why it failed; empty if it did not."""
        if self.status in {*UNDER_WAY, SUCCEEDED}:
            return ""
        return reason_of(self.error or self.status, self.cause)


class Executions:
    """The executions of one state machine. Errors: botocore's own."""

    def __init__(self, client: Any, machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def newest(self, most: int, *, status: str | None = None) -> Iterator[Execution]:
        """Those in a status, or all, the newest first."""
        wanted = {"stateMachineArn": self._machine_arn} | (
            {"statusFilter": status} if status else {}
        )
        pages = self._client.get_paginator("list_executions").paginate(**wanted)
        arns = (each["executionArn"] for page in pages for each in page["executions"])
        return map(self.at, islice(arns, most))

    def at(self, arn: str) -> Execution:
        """The execution of that ARN."""
        found = self._client.describe_execution(executionArn=arn)
        return Execution(
            arn=arn,
            name=found["name"],
            status=found["status"],
            started_at=found["startDate"].timestamp(),
            input=found.get("input", "{}"),
            error=found.get("error") or "",
            cause=found.get("cause") or "",
            output=found.get("output") or "",
        )

    def named(self, name: str) -> Execution | None:
        """The execution of that name; None if there is none, or none any more."""
        machines = self._machine_arn.replace(":stateMachine:", ":execution:")
        try:
            return self.at(f"{machines}:{name}")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return None


def reason_of(error: str, cause: str) -> str:
    """Why an execution failed: the error's name, and the message of the function that raised it."""
    try:
        message = str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        message = cause
    return ": ".join(filter(None, (error, message)))
