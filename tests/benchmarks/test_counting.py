"""What the benchmarks of cost count, and how it is priced."""

from decimal import Decimal
from typing import Any

import pytest

from benchmarks.bill.aws_bill import Invocation, Part, Usage, bill, bill_table, usd_of
from benchmarks.bill.aws_usage import transitions
from benchmarks.bill.item_sizes import item_size, read_units, write_units
from ops import aws_prices


def _events(*types: str) -> list[dict[str, str]]:
    return [{"type": each} for each in types]


def test_each_state_and_each_retry_is_a_transition() -> None:
    tried = ("TaskScheduled", "TaskStarted", "TaskFailed")
    events = _events(
        "ExecutionStarted",
        "TaskStateEntered",
        *tried,
        *tried,
        *("TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"),
        *("ChoiceStateEntered", "ChoiceStateExited"),
        *("SucceedStateEntered", "SucceedStateExited"),
        "ExecutionSucceeded",
    )
    assert transitions(events) == 3 + 2


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"pk": {"S": "ü"}}, 4),
        ({"n": {"N": "-12345"}}, 1 + 4),
        ({"yes": {"BOOL": True}}, 4),
        ({"m": {"M": {"ab": {"S": "c"}}}}, 1 + 3 + 1 + 2 + 1),
        ({"l": {"L": [{"S": "ab"}, {"NULL": True}]}}, 1 + 3 + 2 * 1 + 2 + 1),
    ],
)
def test_an_item_has_the_size_that_dynamodb_says(item: dict[str, Any], size: int) -> None:
    assert item_size(item) == size


def test_units_are_begun_kilobytes() -> None:
    assert [write_units([0]), write_units([1024]), write_units([10, 1025])] == [1, 1, 2]
    assert write_units([1025], in_transaction=True) == 4
    assert [read_units(0, consistent=True), read_units(4097, consistent=False)] == [1, 1]


def test_a_bill_has_its_dearest_part_first() -> None:
    usage = Usage()
    usage.counted.update({Part.TRANSITIONS: 4, Part.SQS: 10, Part.LOGS: 2**30})
    usage.invocations.append(Invocation(function="f", megabytes=512, seconds=2))
    found = bill(usage, times=10)
    assert [line.what for line in found.lines][:2] == [Part.LOGS, Part.TRANSITIONS]
    prices = (
        (aws_prices.STATE_TRANSITION, 4),
        (aws_prices.SQS_REQUEST, 10),
        (aws_prices.LOG_GB, 1),
        (aws_prices.LAMBDA_REQUEST, 1),
        (aws_prices.LAMBDA_GB_SECOND, 1),
    )
    expected = 10 * sum((price.usd * number for price, number in prices), Decimal(0))
    assert usd_of(found) == pytest.approx(float(expected))


def test_a_table_of_bills_has_every_part_of_any() -> None:
    first, second = Usage(), Usage()
    first.counted[Part.SQS] = 1
    second.counted[Part.SECRETS] = 1
    lines = bill_table({"one": bill(first), "two": bill(second)}).splitlines()
    assert lines[2:] == [
        "| SQS | 1 requests | 0.0000004 | 0 | 100% |",
        "| Secrets Manager | 1 requests | 0 | 0.000005 | 0% |",
        "| in all |  | 0.0000004 | 0.000005 |  |",
    ]
