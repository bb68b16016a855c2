"""The download guard end to end: what is legitimate comes through."""

import pytest

from tests.functions.clients.web_server import Exchange, redirect
from tests.functions.download_guard.cases import HELLO, Legitimate, what
from tests.functions.download_guard.internet import ALSO_PUBLIC, PUBLIC, Internet
from tests.functions.download_guard.legitimate import CASES


@pytest.mark.parametrize("case", CASES, ids=what)
def test_it_is_fetched(internet: Internet, case: Legitimate) -> None:
    internet.answer(lambda exchange: exchange.send(case.answers.get(exchange.path, case.answer)))
    internet.name(case.names)
    assert internet.fetch(case.url).body == b"hello"
    request, host, *_ = (internet.server.heads + internet.tls_server.heads)[-1].split("\r\n")
    assert request == f"GET {case.asked_for} HTTP/1.1"
    assert host == f"Host: {case.host}"


def test_a_name_that_changes_its_address_is_asked_once_and_reached_where_it_was_checked(
    internet: Internet,
) -> None:
    internet.name({"rebound.test": [[ALSO_PUBLIC], ["10.1.2.3"], ["127.0.0.1"]]})
    assert internet.fetch("http://rebound.test/").body == b"hello"
    assert internet.asked == ["rebound.test"]
    assert internet.reached == [(ALSO_PUBLIC, 80)]


def test_each_hop_asks_for_its_name_afresh_and_reaches_what_that_said(internet: Internet) -> None:
    def respond(exchange: Exchange) -> None:
        exchange.send(redirect("/there") if exchange.path == "/" else HELLO)

    internet.answer(respond)
    internet.name({"rebound.test": [[PUBLIC], [ALSO_PUBLIC], ["10.1.2.3"]]})
    assert internet.fetch("http://rebound.test/").body == b"hello"
    assert internet.reached == [(PUBLIC, 80), (ALSO_PUBLIC, 80)]
