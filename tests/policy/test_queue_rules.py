"""Queues: encrypted, with dead letters, and out of sight for long enough."""

from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from rules import queue_dead_letters, queue_encryption, queue_visibility
from rules.reading.types import FUNCTION, MAPPING, QUEUE
from tests.policy.seen import Seen, complaints, seen, undecided

LETTERS = seen(QUEUE, "dead-letters", {})
REDRIVE = '{"deadLetterTargetArn": "arn:of:dead-letters", "maxReceiveCount": 5}'


@pytest.mark.parametrize(
    "inputs",
    [
        {"sqsManagedSseEnabled": True},
        {"kmsMasterKeyId": "alias/ours"},
        {"kmsMasterKeyId": UNKNOWN_STRING_VALUE},
    ],
)
def test_an_encrypted_queue_is_right(inputs: dict[str, Any]) -> None:
    assert complaints(queue_encryption.RULE, seen(QUEUE, "work", inputs)) == []


@pytest.mark.parametrize("inputs", [{}, {"sqsManagedSseEnabled": False, "kmsMasterKeyId": ""}])
def test_a_queue_that_is_not_encrypted_is_wrong(inputs: dict[str, Any]) -> None:
    assert complaints(queue_encryption.RULE, seen(QUEUE, "work", inputs)) == [
        ("work", "Set sqs_managed_sse_enabled or kms_master_key_id.")
    ]


@pytest.mark.parametrize(
    "queue",
    [
        seen(QUEUE, "work", {"redrivePolicy": REDRIVE}),
        seen(QUEUE, "work", {"redrivePolicy": UNKNOWN_STRING_VALUE}, redrivePolicy=LETTERS),
        seen(QUEUE, "work-dead-letters", {}),
    ],
)
def test_a_queue_with_dead_letters_is_right_and_so_are_they(queue: Seen) -> None:
    assert complaints(queue_dead_letters.RULE, queue, LETTERS) == []
    assert not undecided(queue_dead_letters.RULE, queue, LETTERS)


@pytest.mark.parametrize("inputs", [{}, {"redrivePolicy": '{"maxReceiveCount": 5}'}])
def test_a_queue_without_dead_letters_is_wrong(inputs: dict[str, Any]) -> None:
    assert complaints(queue_dead_letters.RULE, seen(QUEUE, "work", inputs)) == [
        ("work", "Give it a redrive_policy with the ARN of a dead-letter queue.")
    ]


def test_a_queue_that_is_worked_on_is_no_dead_letter_queue() -> None:
    called_so = seen(QUEUE, "work-dead-letters", {})
    mapping = seen(MAPPING, "feeds", {}, eventSourceArn=called_so)
    [(name, _)] = complaints(queue_dead_letters.RULE, called_so, mapping)
    assert name == "work-dead-letters"


def test_a_redrive_policy_of_nobody_knows_what_is_left_open() -> None:
    queue = seen(QUEUE, "work", {"redrivePolicy": UNKNOWN_STRING_VALUE})
    assert undecided(queue_dead_letters.RULE, queue)
    other = seen(QUEUE, "other", {})
    assert [name for name, _ in complaints(queue_dead_letters.RULE, queue, other)] == ["other"]


def fed(visibility: int | None, timeout: int | None, window: int | None = None) -> list[Seen]:
    """A queue, a function, and the mapping between them. None is AWS's own value."""
    queue = seen(
        QUEUE, "work", {} if visibility is None else {"visibilityTimeoutSeconds": visibility}
    )
    function = seen(FUNCTION, "worker", {} if timeout is None else {"timeout": timeout})
    inputs = {} if window is None else {"maximumBatchingWindowInSeconds": window}
    refers = {"eventSourceArn": queue, "functionName": function}
    return [queue, function, seen(MAPPING, "feeds", inputs, **refers)]


@pytest.mark.parametrize(
    ("visibility", "timeout", "window"),
    [(1800, 300, None), (1805, 300, 5), (30, None, None), (None, 5, 0)],
)
def test_a_message_that_stays_out_of_sight_for_long_enough_is_right(
    visibility: int | None, timeout: int | None, window: int | None
) -> None:
    assert complaints(queue_visibility.RULE, *fed(visibility, timeout, window)) == []


@pytest.mark.parametrize(
    ("visibility", "timeout", "window", "least"),
    [(1799, 300, None, 1800), (1804, 300, 5, 1805), (17, None, None, 18), (None, 6, None, 36)],
)
def test_a_message_that_comes_back_too_soon_is_wrong(
    visibility: int | None, timeout: int | None, window: int | None, least: int
) -> None:
    [(name, message)] = complaints(queue_visibility.RULE, *fed(visibility, timeout, window))
    assert name == "feeds"
    assert f"it has to be at least {least} for worker" in message


@pytest.mark.parametrize("missing", ["eventSourceArn", "functionName"])
def test_a_mapping_of_something_outside_of_the_stack_is_wrong(missing: str) -> None:
    queue, function, _ = fed(1800, 300)
    refers = {"eventSourceArn": queue, "functionName": function}
    del refers[missing]
    mapping = seen(MAPPING, "feeds", {}, **refers)
    [(name, _)] = complaints(queue_visibility.RULE, queue, function, mapping)
    assert name == "feeds"
