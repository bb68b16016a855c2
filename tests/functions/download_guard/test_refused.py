"""The download guard end to end: whatever must not come through is refused, with its reason."""

import tracemalloc

import pytest

from tests.functions.download_guard import (
    refused_addresses,
    refused_answers,
    refused_endless,
    refused_hosts,
    refused_urls,
)
from tests.functions.download_guard.cases import ADDRESS, URL, Refused, what
from tests.functions.download_guard.internet import (
    ALSO_PUBLIC,
    DEAD,
    DEAD_V6,
    PUBLIC,
    PUBLIC_V6,
    Internet,
)

CASES = [
    *refused_addresses.CASES,
    *refused_urls.CASES,
    *refused_hosts.CASES,
    *refused_answers.CASES,
    *refused_endless.CASES,
]
MAY_BE_REACHED = {PUBLIC, ALSO_PUBLIC, PUBLIC_V6, DEAD, DEAD_V6}


@pytest.mark.parametrize("case", CASES, ids=what)
def test_it_is_refused_with_its_reason(internet: Internet, case: Refused) -> None:
    internet.answer(case.answer)
    internet.name(case.names)
    error = internet.refusal(case.url, **case.limits)
    assert error.failure is case.failure, str(error)
    assert case.detail in str(error)
    assert {address for address, _ in internet.reached} <= MAY_BE_REACHED
    assert {port for _, port in internet.reached} <= {80, 443}


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.what.endswith((", first", ", in the URL"))], ids=what
)
def test_a_url_that_is_refused_makes_nobody_ask_or_connect(
    internet: Internet, case: Refused
) -> None:
    assert internet.refusal(case.url).failure in {URL, ADDRESS}
    assert not internet.asked
    assert not internet.reached


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.what.startswith("a bomb")], ids=what
)
def test_a_bomb_takes_no_more_memory_than_was_allowed(internet: Internet, case: Refused) -> None:
    internet.answer(case.answer)
    tracemalloc.start()
    try:
        internet.refusal(case.url, **case.limits)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
