"""A Distributed Map fails when one of its items does, as in AWS.

moto counts the items that failed and lets the Map succeed all the same. AWS ends it with
``States.ExceedToleratedFailureThreshold`` when more failed than the Map tolerates, which is none
unless it says otherwise:
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html#maprun-fail-threshold
Unlike AWS, the other items are all worked on first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)

from local.seams import Seam

_STATE_MAP = "moto.stepfunctions.parser.asl.component.state.exec.state_map"
MAP_RUN = Seam(
    f"{_STATE_MAP}.iteration.distributed_iteration_component:DistributedIterationComponent",
    "_map_run",
    ("self", "env", "eval_input"),
)
_ERROR = StatesErrorNameType.StatesExceedToleratedFailureThreshold


@contextmanager
def failing_with_their_items() -> Iterator[None]:
    """While the block runs, a Distributed Map in which too many items failed has failed."""

    def running(original: Any) -> Any:
        def map_run(self: Any, env: Any, eval_input: Any) -> None:
            original(self, env, eval_input)
            counts = eval_input.map_run_record.item_counter.describe()
            failed, total = counts["failed"] + counts["timedOut"], counts["total"]
            share = eval_input.tolerated_failure_percentage / 100
            if failed > max(eval_input.tolerated_failure_count, share * total):
                raise FailureEventException(_failure(env, failed, total))

        return map_run

    with MAP_RUN.replaced(running):
        yield


def _failure(env: Any, failed: int, total: int) -> FailureEvent:
    details: Any = {"error": _ERROR.to_name(), "cause": f"{failed} of {total} items failed"}
    event_details: Any = {"mapRunFailedEventDetails": details}
    return FailureEvent(env, StatesErrorName(_ERROR), HistoryEventType.MapRunFailed, event_details)
