"""What production does with labels, by and by: schedules, Lambda's second try, Step Functions."""

from collections.abc import Callable
from itertools import count
from typing import Any

from tests.faults.deployed import FunctionError
from tests.faults.label_invariants import Found, jobs, no_label_is_held_by_two_jobs
from tests.faults.seam import Point
from tests.faults.world import World

POLL_SECONDS, HOUR, DAY = 300, 3600, 86_400
# What one fault leaves behind is mended in two hours, or a day after.
_MOST_HOURS = 8
# Of an asynchronous invocation: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
_SECOND_TRY_SECONDS = 60

Meanwhile = Callable[[World, Point], None]


class Production:
    """The flow's schedules; each keeps its own time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._runs = count(1)

    def submit(self) -> None:
        """What is done every hour."""
        self._asynchronously("labels-submit")

    def reconcile(self) -> None:
        """The same."""
        self._asynchronously("labels-reconcile")

    def poll(self) -> None:
        """What is done every five minutes: one that fails is followed by the next."""
        self._world.stack.run_machine("completionPollFlowArn", f"run-{next(self._runs)}", {})

    def settle(self, most_hours: int = _MOST_HOURS) -> None:
        """Go on until nothing waits and nothing is under way; AssertionError if that never is."""
        for _ in range(most_hours):
            began = self._world.clock.now
            self.submit()
            while self._is_to_be_polled() and self._world.clock.now < began + HOUR - POLL_SECONDS:
                self._world.clock.pass_by(POLL_SECONDS)
                self.poll()
            if self._is_at_rest():
                return
            self._world.clock.pass_by(began + HOUR - self._world.clock.now)
            self.reconcile()
            if self._is_at_rest(but="SUBMITTING"):
                # A batch without a job is kept in mind for a day, should one turn up.
                self._world.clock.pass_by(DAY)
        raise AssertionError(f"after {most_hours} hours it has not come to rest")

    def _asynchronously(self, function: str) -> None:
        try:
            self._world.stack.invoke(function, {})
        except FunctionError:
            self._world.clock.pass_by(_SECOND_TRY_SECONDS)
            try:
                self._world.stack.invoke(function, {})
            except FunctionError as error:
                self._world.stack.send("completionDeadLetterQueueUrl", f"{function}: {error}")

    def _items(self) -> list[dict[str, Any]]:
        return self._world.stack.items("labelTableName")

    def _is_to_be_polled(self) -> bool:
        return any(
            item.get("status") == "PENDING" or item.get("GSI2PK", "").startswith("UNPROJECTED")
            for item in self._items()
        )

    def _is_at_rest(self, but: str = "") -> bool:
        waiting = {"NONE", "PENDING", "SUBMITTING"} - {but}
        return not self._is_to_be_polled() and not any(
            item.get("status", item.get("validation_status")) in waiting
            or item.get("GSI2PK", "").startswith("VECTOR_MISSING")
            for item in self._items()
        )


class Watch:
    """Looks at the jobs as soon as one was made, and lets happen what happens meanwhile."""

    def __init__(self, world: World, meanwhile: Meanwhile | None = None) -> None:
        self._world = world
        self._meanwhile = meanwhile
        self._seen = len(world.openai.jobs)
        self.complaints: list[str] = []
        world.seam.between = self

    def __call__(self, point: Point) -> None:
        """What is done before each call."""
        if len(self._world.openai.jobs) > self._seen:
            self._seen = len(self._world.openai.jobs)
            self.complaints += no_label_is_held_by_two_jobs(Found(jobs=jobs(self._world)))
        if self._meanwhile is not None:
            self._meanwhile(self._world, point)
