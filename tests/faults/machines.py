"""Runs a state machine's definition in this thread and in virtual time.

It knows as much of the Amazon States Language as the two machines use, and refuses the rest;
moto's interpreter, which the embedded AWS runs them on, sleeps in real time.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Task = Callable[[str, Mapping[str, Any]], Any]  # resource, parameters -> result


class StateError(Exception):
    """What a state fails with; ``error`` is what Retry and Catch match."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A definition, and who does its tasks. A task raises StateError if it fails."""

    definition: Mapping[str, Any]
    task: Task
    read_object: Callable[[str, str], bytes]
    """Of a bucket, under a key."""

    def run(self, execution_arn: str, execution_input: Any) -> Any:
        """The output; StateError if the execution fails or takes longer than it may."""
        context = {"Execution": {"Id": execution_arn, "Input": execution_input}}
        ends = time.time() + self.definition["TimeoutSeconds"]
        return self._run(self.definition, execution_input, context, ends)

    def _run(
        self, machine: Mapping[str, Any], data: Any, context: Mapping[str, Any], ends: float
    ) -> Any:
        name: str | None = machine["StartAt"]
        while name is not None:
            if time.time() > ends:
                raise StateError("States.Timeout", f"in {name}")
            state = machine["States"][name]
            name, data = self._enter(state, data, context, ends)
        return data

    def _enter(
        self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any], ends: float
    ) -> tuple[str | None, Any]:
        """The next state's name, None at the end, and its input."""
        kind = state["Type"]
        if kind == "Choice":
            return _choose(state, data), data
        if kind == "Succeed":
            return None, data
        if kind == "Fail":
            raise StateError(_said(state, "Error", data), _said(state, "Cause", data))
        if kind == "Pass":
            return state.get("Next"), state["Result"]
        works = {"Task": self._do_task, "Map": self._do_map}
        try:
            result = _tried(state, lambda: works[kind](state, data, context, ends), ends)
        except StateError as error:
            return _caught(state, data, error)
        return state.get("Next"), _output(state, data, result)

    def _do_task(
        self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any], _ends: float
    ) -> Any:
        return self.task(state["Resource"], _filled(state["Parameters"], data, context))

    def _do_map(
        self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any], ends: float
    ) -> list[Any]:
        """The iterations, one after another. Of a Map that tolerates failures, none counts."""
        results = []
        for item in self._items(state, data, context):
            try:
                results.append(self._run(state["ItemProcessor"], item, context, ends))
            except StateError:
                if state.get("ToleratedFailurePercentage") != 100:
                    raise
        return results

    def _items(
        self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]
    ) -> Sequence[Any]:
        if "ItemReader" not in state:
            items: Sequence[Any] = _at(state["ItemsPath"], data, context)
            return items
        where = _filled(state["ItemReader"]["Parameters"], data, context)
        listed: Sequence[Any] = json.loads(self.read_object(where["Bucket"], where["Key"]))
        return listed


def _tried(state: Mapping[str, Any], work: Callable[[], Any], ends: float) -> Any:
    """The work's result, tried again as the state's retriers say. Jitter takes all of a wait."""
    retriers = state.get("Retry", ())
    tries = [0] * len(retriers)
    while True:
        try:
            return work()
        except StateError as error:
            number = next(
                (n for n, one in enumerate(retriers) if _matches(one["ErrorEquals"], error)), None
            )
            if number is None or tries[number] >= retriers[number]["MaxAttempts"]:
                raise
            retrier = retriers[number]
            delay = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** tries[number]
            tries[number] += 1
            time.sleep(min(delay, retrier.get("MaxDelaySeconds", delay)))
            if time.time() > ends:
                raise StateError("States.Timeout", "between two tries") from error


def _matches(names: Sequence[str], error: StateError) -> bool:
    return error.error in names or "States.ALL" in names


def _caught(state: Mapping[str, Any], data: Any, error: StateError) -> tuple[str, Any]:
    for catcher in state.get("Catch", ()):
        if _matches(catcher["ErrorEquals"], error):
            failure = {"Error": error.error, "Cause": error.cause}
            return catcher["Next"], _placed(catcher.get("ResultPath", "$"), data, failure)
    raise error


def _output(state: Mapping[str, Any], data: Any, result: Any) -> Any:
    if "ResultSelector" in state:
        result = _filled(state["ResultSelector"], result, {})
    placed = _placed(state.get("ResultPath", "$"), data, result)
    return _at(state.get("OutputPath", "$"), placed, {})


def _placed(path: str | None, data: Any, result: Any) -> Any:
    if path is None:
        return data
    if path == "$":
        return result
    return {**copy.deepcopy(data), path.removeprefix("$."): result}


def _choose(state: Mapping[str, Any], data: Any) -> str:
    for choice in state["Choices"]:
        if choice.keys() - {"Next", "Variable"} not in ({"IsPresent"}, {"BooleanEquals"}):
            raise NotImplementedError(choice)
        try:
            found = _at(choice["Variable"], data, {})
        except LookupError:
            continue
        if choice.get("IsPresent", found is choice.get("BooleanEquals")):
            return str(choice["Next"])
    return str(state["Default"])


def _said(state: Mapping[str, Any], what: str, data: Any) -> str:
    return str(_at(state[f"{what}Path"], data, {}) if f"{what}Path" in state else state[what])


def _filled(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    """A payload template, with what its paths lead to."""
    if isinstance(template, Mapping):
        return {
            key.removesuffix(".$"): _value(value, data, context)
            if key.endswith(".$")
            else _filled(value, data, context)
            for key, value in template.items()
        }
    return template


def _value(expression: str, data: Any, context: Mapping[str, Any]) -> Any:
    if expression == "States.ArrayContains($, 'left')":
        return "left" in data
    return _at(expression, data, context)


def _at(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    """What a reference path leads to; LookupError if it leads nowhere."""
    if path.startswith("$$."):
        path, data = path[1:], context
    if not path.startswith("$") or "(" in path:
        raise NotImplementedError(path)
    for part in path.replace("[", ".[").split(".")[1:]:
        data = data[int(part[1:-1])] if part.startswith("[") else data[part]
    return data
