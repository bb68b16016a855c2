"""``CompletionPollFlow``'s definition, held against the results that its functions give."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from functions.completions.messages import BatchOfRun, CollectedBatch, EndedBatch, PendingWork
from functions.completions.projection.projecting import Projected
from infra.state_machines import (
    COMPLETION_TIMEOUT_SECONDS,
    TRANSIENT_ERRORS,
    CompletionPolling,
    completion_poll_flow,
)
from infra.state_machines.history import worst_case_events

POLLING = CompletionPolling(batches_at_once=7, chunks_at_once=9)
ENDED = EndedBatch(batch_id="b", openai_batch_id="batch_1")
LISTED = PendingWork(batches=[ENDED], unprojected=True).to_wire()
COLLECTED = CollectedBatch(
    batch_id="b", bucket="files", chunks_key="batches/b/chunks.json", chunks=2
).to_wire()
PROJECTED = asdict(Projected(projected=1, missing=0, failed=0, remaining=False))


def machine(*, projecting: bool = True) -> dict[str, Any]:
    functions = {name: f"arn:{name}" for name in COMPLETION_TIMEOUT_SECONDS}
    if not projecting:
        del functions["project"]
    return completion_poll_flow(polling=POLLING, functions=functions)


def one_batch(definition: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definition["States"]["ForEachBatch"]["ItemProcessor"]
    return found


def levels(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each level of states with the one that it starts at: the machine's, and the Maps'."""
    yield definition["StartAt"], definition["States"]
    for state in definition["States"].values():
        if state["Type"] == "Map":
            yield from levels(state["ItemProcessor"])


def states(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: state for _, level in levels(definition) for name, state in level.items()}


BOTH = pytest.mark.parametrize("projecting", [True, False], ids=["projecting", "not"])


@BOTH
def test_every_task_has_a_time_out_and_tries_again_what_passes_by_itself(projecting: bool) -> None:
    tasks = [s for s in states(machine(projecting=projecting)).values() if s["Type"] == "Task"]
    assert len(tasks) == (5 if projecting else 4)
    for task in tasks:
        name = task["Parameters"]["FunctionName"].removeprefix("arn:")
        assert task["TimeoutSeconds"] == COMPLETION_TIMEOUT_SECONDS[name]
        [retrier] = task["Retry"]
        assert retrier["ErrorEquals"] == list(TRANSIENT_ERRORS)
        assert "PineconeUnavailableError" in retrier["ErrorEquals"]
        assert retrier["BackoffRate"] > 1
        assert retrier["MaxDelaySeconds"] >= retrier["IntervalSeconds"]
        assert retrier["JitterStrategy"] == "FULL"


@BOTH
def test_an_execution_has_an_end_and_the_time_for_one_try_of_each_task(projecting: bool) -> None:
    seconds = machine(projecting=projecting)["TimeoutSeconds"]
    assert sum(COMPLETION_TIMEOUT_SECONDS.values()) <= seconds <= 24 * 3600


def test_a_batch_is_collected_with_the_name_of_its_execution() -> None:
    given = machine()["States"]["ForEachBatch"]["ItemSelector"]
    item = "$$.Map.Item.Value."
    ended = {f"{key}.$": f"{item}{key}" for key in ENDED.to_wire()}
    assert given == {**ended, "execution.$": "$$.Execution.Name"}
    fields = {key.removesuffix(".$") for key in given}
    known = BatchOfRun.model_json_schema(by_alias=True)["properties"].keys()
    assert known - fields == set()


def test_whatever_goes_wrong_with_a_batch_leaves_it_for_the_next_run() -> None:
    steps = one_batch(machine())["States"]
    for name in ("Collect", "ApplyChunks", "Finish"):
        assert steps[name]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "LeftForNextRun"}]
    assert steps["LeftForNextRun"] == {"Type": "Pass", "Result": "left", "End": True}


def test_chunks_are_applied_by_a_distributed_map_over_the_list_in_s3() -> None:
    apply = one_batch(machine())["States"]["ApplyChunks"]
    assert apply["ItemProcessor"]["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",
    }
    assert apply["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.chunksKey"},
    }
    assert apply["ResultPath"] is None, "what Finish gets is what Collect gave"


def test_as_many_are_worked_on_at_once_as_is_configured() -> None:
    definition = machine()
    assert definition["States"]["ForEachBatch"]["MaxConcurrency"] == 7
    assert one_batch(definition)["States"]["ApplyChunks"]["MaxConcurrency"] == 9


def test_a_chunk_that_fails_does_not_end_the_others_and_finish_decides() -> None:
    chunks = one_batch(machine())["States"]["ApplyChunks"]
    assert chunks["ToleratedFailurePercentage"] == 100
    assert chunks["Next"] == "Finish"


def test_an_idle_run_is_three_states() -> None:
    for projecting in (True, False):
        definition = machine(projecting=projecting)
        first = definition["States"][definition["StartAt"]]
        choice = definition["States"][first["Next"]]
        assert definition["States"][choice["Default"]] == {"Type": "Succeed"}


def test_the_execution_fails_only_after_everything_else_was_done() -> None:
    found = machine()["States"]
    assert found["ForEachBatch"]["Next"] == "Project"
    assert found["Project"]["Next"] == "AnythingLeft"
    assert [choice["Next"] for choice in found["AnythingLeft"]["Choices"]] == [
        "Project",
        "BatchesLeft",
    ]
    assert (found["BatchesLeft"]["Type"], found["BatchesLeft"]["Error"]) == ("Fail", "BatchesLeft")
    [catch] = found["Project"]["Catch"]
    assert found[catch["Next"]]["Type"] == "Fail"


def test_without_a_projection_the_machine_has_nothing_of_one() -> None:
    text = json.dumps(machine(projecting=False))
    assert "roject" not in text.replace("unprojected", "")
    assert "$.unprojected" not in text


@BOTH
def test_no_state_is_unreachable_and_none_is_missing(projecting: bool) -> None:
    for start, level in levels(machine(projecting=projecting)):
        named = {start}
        for state in level.values():
            steps = [state, *state.get("Choices", []), *state.get("Catch", [])]
            named |= {step["Next"] for step in steps if "Next" in step}
            named |= {state["Default"]} if "Default" in state else set()
        assert named == set(level)


APPLIED = {**LISTED, "outcomes": {"left": False}}
# What each state is given, and what the function of a task, or the Map's iterations, answer.
GIVEN: dict[str, Any] = {
    "AnythingToDo": LISTED,
    "ForEachBatch": LISTED,
    "ApplyChunks": COLLECTED,
    "AnythingLeft": {**APPLIED, "projection": {"remaining": False}},
    "ProjectionFailed": {**APPLIED, "failure": {"Error": "E", "Cause": "C"}},
}
ANSWERED: dict[str, Any] = {
    "ListPendingBatches": {"Payload": LISTED},
    "Collect": {"Payload": COLLECTED},
    "Apply": {"Payload": {}},
    "Finish": {"Payload": {"outcome": "done"}},
    "Project": {"Payload": PROJECTED},
}


def read_before(state: dict[str, Any]) -> Iterator[str]:
    """The paths of what a state is given, but for the whole."""
    yield from (state[key] for key in ("ItemsPath", "ErrorPath", "CausePath") if key in state)
    yield from (choice["Variable"] for choice in state.get("Choices", ()))
    parameters = state.get("Parameters", {}) | state.get("ItemReader", {}).get("Parameters", {})
    yield from (path for key, path in parameters.items() if key.endswith(".$") and path != "$")


def read_after(state: dict[str, Any]) -> Iterator[str]:
    """The paths of what a task's function answered."""
    if state["Type"] == "Task":
        yield from state.get("ResultSelector", {}).values()
        yield from (state[key] for key in ("OutputPath",) if key in state)


def _read(path: str, document: Any) -> Any:
    for step in path.replace("[0]", ".0").split(".")[1:]:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


@BOTH
def test_every_path_that_the_machine_reads_is_in_what_it_is_given(projecting: bool) -> None:
    # A missing path is a States.Runtime error, which nothing in a machine can catch.
    paths = 0
    for name, state in states(machine(projecting=projecting)).items():
        for path in read_before(state):
            _read(path, GIVEN[name])
            paths += 1
        for path in read_after(state):
            _read(path, ANSWERED[name])
            paths += 1
    assert paths == (14 if projecting else 9)


def test_a_map_gives_no_more_than_whether_a_batch_was_left() -> None:
    each = machine()["States"]["ForEachBatch"]
    assert each["ResultSelector"] == {"left.$": "States.ArrayContains($, 'left')"}
    assert each["ResultPath"] == "$.outcomes"


def test_one_run_of_as_many_batches_as_by_default_fits_its_history() -> None:
    assert worst_case_events(machine(), items=200) < 25_000
