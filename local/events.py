"""The event that AWS puts on the default bus when an execution of a state machine ends.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
moto puts none. It also answers a stop only when the step being run is over, and with FAILED if
that is a Map; here, as in AWS, the execution is ABORTED at once.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.api import ExecutionStatus, StateMachineType

from local.aws import Aws
from local.seams import Seam

_EXECUTION = "moto.stepfunctions.parser.backend.execution"
STOP = Seam(f"{_EXECUTION}:Execution", "stop", ("self", "stop_date", "error", "cause"))
TERMINATED = Seam(f"{_EXECUTION}:BaseExecutionWorkerCommunication", "terminated", ("self",))
_START_SECONDS, _LOOK_SECONDS = 10, 0.01
logger = logging.getLogger(__name__)


@contextmanager
def announcing(aws: Aws) -> Iterator[None]:
    """While the block runs, the end of each Standard execution is an event in EventBridge."""
    lock = threading.Lock()

    def stopping(original: Any) -> Any:
        def stop(self: Any, stop_date: datetime, error: str | None, cause: str | None) -> None:
            _wait_for_first_state(self.exec_worker)
            original(self, stop_date, error, cause)
            with lock:
                if self.exec_status != ExecutionStatus.RUNNING:
                    return
                self.exec_status = ExecutionStatus.ABORTED
                self.stop_date = datetime.now(UTC)
            _announce(aws, self)

        return stop

    def terminating(original: Any) -> Any:
        def terminated(self: Any) -> None:
            with lock:
                if self.execution.exec_status != ExecutionStatus.RUNNING:
                    return
                original(self)
            _announce(aws, self.execution)

        return terminated

    with STOP.replaced(stopping), TERMINATED.replaced(terminating):
        yield


def _wait_for_first_state(worker: Any) -> None:
    """moto begins an execution in a thread; before that has parsed it, it cannot be stopped."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if worker.env is not None and worker.env.program_state() is not None:
            return
        time.sleep(_LOOK_SECONDS)


def _announce(aws: Aws, execution: Any) -> None:
    if execution.state_machine.type == StateMachineType.EXPRESS:
        return
    try:
        aws.client("events").put_events(Entries=[_entry(execution.to_describe_output())])
    except (BotoCoreError, ClientError):
        logger.exception("the end of %s was not announced", execution.exec_arn)


def _entry(execution: dict[str, Any]) -> dict[str, Any]:
    """From what DescribeExecution answers to what PutEvents takes."""
    succeeded = "output" in execution
    detail = {
        "executionArn": execution["executionArn"],
        "stateMachineArn": execution["stateMachineArn"],
        "name": execution["name"],
        "status": execution["status"].value,
        "startDate": _milliseconds(execution["startDate"]),
        "stopDate": _milliseconds(execution["stopDate"]),
        "input": execution["input"],
        "inputDetails": {"included": True},
        "output": execution["output"] if succeeded else None,
        "outputDetails": {"included": True} if succeeded else None,
        "error": execution.get("error"),
        "cause": execution.get("cause"),
    }
    return {
        "Time": execution["stopDate"],
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Resources": [execution["executionArn"]],
        "Detail": json.dumps(detail),
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
