"""Prompt tokens under way: never more than may be, and exactly those of the live batches."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.clients.dynamodb import Table
from functions.completions import capacity

DAY = 86_400
NAMED = (
    "Enqueued token limit reached for gpt in organization org-1. Limit: 90,000 enqueued tokens. "
    "Please try again once some in_progress batches have been completed."
)


def test_what_is_taken_is_given_back(label_table: Table) -> None:
    assert capacity.read(label_table, 0).tokens == 0
    label_table.write_all([capacity.taking(70, None)])
    label_table.write_all([capacity.taking(5, 100)])
    label_table.write_all([capacity.giving_back(70)])

    assert capacity.read(label_table, 0).tokens == 5


@pytest.mark.parametrize(("tokens", "fits"), [(30, True), (31, False)])
def test_no_more_is_taken_than_the_limit(label_table: Table, tokens: int, fits: bool) -> None:
    label_table.write_all([capacity.taking(70, 100)])

    assert (not label_table.write_all([capacity.taking(tokens, 100)])) == fits
    assert capacity.read(label_table, 0).tokens == (100 if fits else 70)


def test_the_first_to_take_may_not_take_too_much_either(label_table: Table) -> None:
    assert label_table.write_all([capacity.taking(101, 100)])
    assert not label_table.write_all([capacity.taking(100, 100)])


def test_many_at_once_do_not_take_more_than_the_limit(label_table: Table) -> None:
    with ThreadPoolExecutor(8) as threads:
        refused = list(
            threads.map(lambda _: label_table.write_all([capacity.taking(30, 100)]), range(8))
        )

    assert [bool(each) for each in refused].count(False) == 3
    assert capacity.read(label_table, 0).tokens == 90


def test_the_limit_that_openai_names_holds_for_a_day(label_table: Table) -> None:
    label_table.write_all([capacity.taking(50_000, None)])

    assert capacity.learn_limit(label_table, NAMED, now=DAY) == 90_000

    assert capacity.read(label_table, DAY).room(None) == 40_000
    assert capacity.read(label_table, DAY).room(60_000) == 10_000
    assert capacity.read(label_table, DAY).room(20_000) == 0
    assert capacity.read(label_table, 2 * DAY - 1).openai_limit == 90_000
    assert capacity.read(label_table, 2 * DAY).room(None) is None


@pytest.mark.parametrize("message", ["", "Limit: none", "Limit: , enqueued tokens", "quota"])
def test_a_message_that_names_no_limit_teaches_none(label_table: Table, message: str) -> None:
    assert capacity.learn_limit(label_table, message, now=0) is None
    assert capacity.read(label_table, 0).openai_limit is None
