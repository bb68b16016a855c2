"""How long a history can become, worked out from the definition."""

from typing import Any

import pytest

from infra.state_machines.history import worst_case_events

TASK = {"Type": "Task", "Retry": [{"MaxAttempts": 2}, {"MaxAttempts": 3}]}
PASS = {"Type": "Pass"}


def events(states: dict[str, Any], items: int = 0, **settings: Any) -> int:
    return worst_case_events({"States": states, **settings}, items=items)


@pytest.mark.parametrize(
    ("found", "items", "expected"),
    [
        ({"A": PASS}, 0, 2 + 2),
        # Entered and left, and six tries.
        ({"A": TASK}, 0, 2 + 2 + 6 * 3),
        (
            {
                "A": {
                    "Type": "Map",
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "INLINE"},
                        "States": {"B": PASS, "C": PASS},
                    },
                }
            },
            5,
            2 + 4 + 5 * (2 + 2 * 2),
        ),
        (
            {
                "A": {
                    "Type": "Map",
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "DISTRIBUTED"},
                        "States": {"B": TASK},
                    },
                }
            },
            5,
            2 + 4 + 2,
        ),
    ],
    ids=["pass", "task", "inline map", "distributed map"],
)
def test_a_history_has_the_events_of_each_state(
    found: dict[str, Any], items: int, expected: int
) -> None:
    assert events(found, items) == expected


@pytest.mark.parametrize("back", [{"Next": "A"}, {"Default": "A"}, {"Catch": [{"Next": "A"}]}])
def test_a_loop_goes_round_until_the_machines_time_is_up(back: dict[str, Any]) -> None:
    # Four times, if each round takes half of the 10 seconds that its task may take.
    loop = {
        "A": {"Type": "Pass", "TimeoutSeconds": 10, "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Next": "C"}], **back},
        "C": PASS,
    }
    assert events(loop, TimeoutSeconds=20) == 2 + 4 * (2 + 2) + 2
