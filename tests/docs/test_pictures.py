"""Pictures show every state, every way out of it, and nothing that Mermaid could not read."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from docs.generate import mermaid
from docs.generate.machines import machines, picture
from docs.generate.mermaid import Shape
from docs.generate.program import Program, logical_name
from docs.generate.wiring import feeds, wiring

_LABEL = r'"[^"<#]*(?:(?:<br/>|#(?:quot|lt|35);)[^"<#]*)*"'
_NODE = re.compile(
    rf"(?P<id>\w+)(?:\[{_LABEL}\]|\(\[{_LABEL}\]\)|\{{{_LABEL}\}}|\{{\{{{_LABEL}\}}\}}"
    rf"|\[/{_LABEL}/\])"
)
_EDGE = re.compile(rf"(?P<source>\w+) (?:-->|-\.->)(?:\|{_LABEL}\|)? (?P<target>\w+)")
_SUBGRAPH = re.compile(rf"subgraph (?P<id>\w+)\[{_LABEL}\]")
_BLOCK = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)


def read(picture: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The nodes and edges of a flowchart; it fails at a line that is neither."""
    first, *lines = picture.splitlines()
    assert re.fullmatch(r"flowchart (TD|LR)", first)
    nodes, edges, depth = [], [], 0
    for line in map(str.strip, lines):
        if found := _EDGE.fullmatch(line):
            edges.append((found["source"], found["target"]))
        elif found := _NODE.fullmatch(line) or _SUBGRAPH.fullmatch(line):
            nodes.append(found["id"])
            depth += line.startswith("subgraph ")
        else:
            assert line == "end", line
            depth -= 1
            assert depth >= 0
    assert depth == 0
    assert len(nodes) == len(set(nodes))
    assert {end for edge in edges for end in edge} <= set(nodes), "an arrow without its node"
    return nodes, edges


def states(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in definition["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def ways_out(state: Any) -> Iterator[str]:
    """All that is named as what comes next, however deep, but for what is inside a Map."""
    for key, value in state.items():
        if key in ("Next", "Default"):
            yield value
        elif key in ("Choices", "Catch"):
            for each in value:
                yield from ways_out(each)


def test_pictures_of_machines_have_every_state_and_every_way_out(registered: Program) -> None:
    pictures = _BLOCK.findall(machines(registered))
    assert len(pictures) == len(registered.machines()) >= 2
    for machine, drawn in zip(registered.machines(), pictures, strict=True):
        definition = machine.document("definition")
        nodes, edges = read(drawn)
        assert set(nodes) == {"start"} | {name for name, _ in states(definition)}
        expected = [
            (name, target) for name, state in states(definition) for target in ways_out(state)
        ]
        assert sorted(edges) == sorted([("start", definition["StartAt"]), *expected])


def test_pictures_of_machines_name_every_error_target_and_number(registered: Program) -> None:
    for machine, drawn in zip(
        registered.machines(), _BLOCK.findall(machines(registered)), strict=True
    ):
        for name, state in states(machine.document("definition")):
            [line] = [
                line
                for line in drawn.splitlines()
                if re.match(rf"\s*(subgraph )?{name}[\[({{/]+{_LABEL}", line)
            ]
            for retrier in state.get("Retry", ()):
                assert f"again {retrier['MaxAttempts']} times" in line
                assert f"after {retrier['IntervalSeconds']} s" in line
            if "TimeoutSeconds" in state:
                assert f"{state['TimeoutSeconds']} s at most" in line
            for target in re.findall(r"[\w-]+-function", json.dumps(state.get("Parameters"))):
                assert target in line


def test_a_state_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(KeyError):
        picture({"StartAt": "Twice", "States": {"Twice": {"Type": "Parallel", "End": True}}})


def test_pictures_of_the_wiring_have_every_feed(registered: Program) -> None:
    pictures = [read(block) for block in _BLOCK.findall(wiring(registered))]
    drawn = {edge for _, edges in pictures for edge in edges}
    expected = {
        (mermaid.identifier(feed.source), mermaid.identifier(feed.target))
        for feed in feeds(registered)
    }
    assert drawn == expected


def test_the_wiring_is_read_off_mappings_schedules_rules_machines_and_grants(
    registered: Program,
) -> None:
    found = {(feed.source, feed.target, feed.failed) for feed in feeds(registered)}
    assert {
        ("documents-download-queue", "documents-ingest-function", False),
        ("documents-download-queue", "documents-download-dead-letters", True),
        ("documents-ingest-function", "documents-vector-store-batch-state-machine", False),
        (
            "documents-vector-store-batch-state-machine",
            "documents-vector-store-batch-dead-letters",
            True,
        ),
        ("documents-vector-store-batch-state-machine", "documents-market-analysis-queue", False),
        ("labels-poll-schedule", "labels-poll-state-machine", False),
        ("labels-poll-schedule", "labels-dead-letters", True),
        ("labels-poll-state-machine", "labels-apply-function", False),
        ("labels-submit-function", "labels-dead-letters", True),
    } <= found


def test_labels_are_quoted_and_ids_are_no_words_of_mermaids() -> None:
    drawn = mermaid.node("a-b", Shape.BOX, 'say "x" < y', "#1")
    assert drawn == 'a_b["say #quot;x#quot; #lt; y<br/>#35;1"]'
    assert _NODE.fullmatch(drawn)
    for wrong in ("end", "a b", ""):
        with pytest.raises(ValueError, match="cannot be the id"):
            mermaid.identifier(wrong)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("arn:aws:sqs:any-region-1:000000000000:a-queue", "a-queue"),
        ("arn:aws:dynamodb:any-region-1:000000000000:a-table/index/GSI1", "a-table/index/GSI1"),
        ("arn:aws:sfn:any-region-1:000000000000:stateMachine:a-machine", "a-machine"),
        ("arn:aws:sfn:any-region-1:000000000000:execution:a-machine:*", "executions of a-machine"),
        ("https://url.invalid/a-queue", "a-queue"),
        ("a-role", "a-role"),
    ],
)
def test_what_aws_calls_a_resource_is_shown_by_its_own_name(reference: str, name: str) -> None:
    assert logical_name(reference) == name
