"""The alarms: what somebody should get up for at night, and nothing that ends well by itself.

Each says what to type and names its section of docs/operations.md. None is about Lambda's
``Errors`` of the check of file batches, which has one for each batch that is still under way. There
are no messages when all is well again: a new stack would send one for each of its alarms.
"""

from collections.abc import Iterator, Mapping, Sequence

import pulumi_aws as aws

from functions.metrics import Metric
from infra.function import Function
from infra.monitoring.alarm import Alarm
from infra.monitoring.figures import Figure, of_function, of_machine, of_queue, own
from infra.monitoring.watched import Watched

_MINUTE, _HOUR = 60, 3600
# The shortest that anything is looked at for: AWS's metrics come a minute or more late.
_LEAST_SECONDS = 5 * _MINUTE
# OpenAI gives a job 24 hours, and after 25 it is asked to be cancelled, which takes ten minutes.
_WINDOW_SECONDS, _GRACE_SECONDS = 24 * _HOUR, 2 * _HOUR
_IN_A_ROW = 3
_AT_ONCE = 3


def alarms(watched: Watched) -> Iterator[Alarm]:
    """All alarms of a stack."""
    yield from _dead_letters(watched.dead_letters)
    yield _old_batch(watched)
    yield _failing_documents(watched)
    yield _failing_labels(watched)
    for flow, functions in (
        ("documents", watched.document_functions),
        ("labels", watched.label_functions),
    ):
        yield _throttled(flow, functions)
    yield from _stopped_schedules(watched)


def _dead_letters(queues: Mapping[str, aws.sqs.Queue]) -> Iterator[Alarm]:
    """Whatever is in there waits for a person: nothing takes it out again."""
    for kind, queue in queues.items():
        yield Alarm(
            name=f"{kind}-dead-letters",
            section="dead-letters",
            meaning=(
                f"There are dead letters of {kind}. `python -m ops status` has their causes, and "
                "`python -m ops redrive` puts them back."
            ),
            figures=[of_queue(queue, "ApproximateNumberOfMessagesVisible")],
            threshold=1,
            period_seconds=_LEAST_SECONDS,
        )


def _old_batch(watched: Watched) -> Alarm:
    """Its job must have ended by now, and a run of the flow must have seen that."""
    between_runs = watched.schedules.poll_minutes * _MINUTE
    listing = watched.labels.functions["list_pending"]
    return Alarm(
        name="old-batch",
        section="old-batch",
        meaning=(
            "A batch of labels is older than the day that OpenAI takes at most, so that its labels "
            "wait. `python -m ops status` names it, `python -m ops poll --batch ID` tries it again."
        ),
        figures=[own(Metric.OLDEST_BATCH_AGE, listing, statistic="Maximum")],
        threshold=_WINDOW_SECONDS + _GRACE_SECONDS + between_runs,
        period_seconds=_period(watched.schedules.poll_minutes),
        # What a run has found holds until the next one.
        missing="ignore",
    )


def _failing_documents(watched: Watched) -> Alarm:
    """One that fails leaves a dead letter, which tells; several at once have one cause."""
    return Alarm(
        name="documents-failing",
        section="documents-failing",
        meaning=(
            f"{_AT_ONCE} file batches or more failed within a quarter of an hour, so it is not one "
            "document: OpenAI, its key, or its limits. `python -m ops status` has the reasons."
        ),
        figures=[
            of_machine(watched.documents.flow.state_machine, name)
            for name in ("ExecutionsFailed", "ExecutionsTimedOut")
        ],
        threshold=_AT_ONCE,
        period_seconds=15 * _MINUTE,
    )


def _failing_labels(watched: Watched) -> Alarm:
    """An execution fails if one batch could not be brought to its end, and the next tries it again.

    So one that fails is a hiccup, and several in a row are not.
    """
    return Alarm(
        name="labels-failing",
        section="labels-failing",
        meaning=(
            f"CompletionPollFlow failed {_IN_A_ROW} times in a row: a batch cannot be brought to "
            "its end. `python -m ops status` names it with the reason."
        ),
        figures=[
            of_machine(watched.labels.machine.state_machine, name)
            for name in ("ExecutionsFailed", "ExecutionsTimedOut")
        ],
        threshold=1,
        period_seconds=_period(watched.schedules.poll_minutes),
        periods=_IN_A_ROW,
    )


def _throttled(flow: str, functions: Sequence[Function]) -> Alarm:
    """A throttled call is made again, so that only what goes on for long is anybody's business."""
    return Alarm(
        name=f"{flow}-throttled",
        section="throttled",
        meaning=(
            f"Lambda has throttled functions of the {flow} for a quarter of an hour: the account's "
            "concurrency is used up. `aws lambda get-account-settings` shows how much there is."
        ),
        figures=[of_function(function, "Throttles") for function in functions],
        threshold=1,
        period_seconds=_LEAST_SECONDS,
        periods=_IN_A_ROW,
    )


def _stopped_schedules(watched: Watched) -> Iterator[Alarm]:
    """EventBridge Scheduler has metrics of groups alone, so the targets tell whether they started.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html
    """
    for name, (started, minutes) in _schedules(watched).items():
        yield Alarm(
            name=f"{name}-did-not-run",
            section="schedule-did-not-run",
            meaning=(
                f"The schedule of {name} has started nothing {_IN_A_ROW} times in a row. "
                "`aws scheduler list-schedules` shows whether it is there and enabled."
            ),
            figures=[started],
            threshold=1,
            comparison="LessThanThreshold",
            period_seconds=_period(minutes),
            periods=_IN_A_ROW,
            missing="breaching",
        )


def _schedules(watched: Watched) -> Mapping[str, tuple[Figure, int]]:
    """How often the target of each schedule was started, and the minutes between two times."""
    labels, schedules = watched.labels, watched.schedules
    targets = {
        "file-sweep": (
            of_function(watched.documents.sweep.function, "Invocations"),
            watched.file_sweep_hours * 60,
        )
    }
    if schedules.enabled:
        targets |= {
            "submit": (
                of_function(labels.functions["submit"], "Invocations"),
                schedules.submit_minutes,
            ),
            "poll": (
                of_machine(labels.machine.state_machine, "ExecutionsStarted"),
                schedules.poll_minutes,
            ),
            "reconcile": (
                of_function(labels.functions["reconcile"], "Invocations"),
                schedules.reconcile_minutes,
            ),
        }
    return targets


def _period(minutes: int) -> int:
    """The seconds between two runs, of which three fit what CloudWatch looks at: a day, or seven
    days where a period is an hour or more.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    return max(minutes * _MINUTE, _LEAST_SECONDS)
