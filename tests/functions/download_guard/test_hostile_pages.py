"""Pages that are made to be slow or large: each is given up, and honest ones are not."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest

from functions.errors import DownloadError, DownloadFailure
from functions.ingest import page_process
from functions.ingest.page_process import read_any_page
from functions.ingest.pages import MAX_TAGS, read_page


def filled(start: str, unit: str, characters: int) -> str:
    """The unit again and again, spread over this many characters, with as many tags as may be."""
    count = characters // len(unit)
    if "<" in unit:
        count = min(count, (MAX_TAGS - start.count("<") - 1) // unit.count("<"))
    return start + (unit + " " * (characters // count - len(unit))) * count


# What each does to the parser, to the tree or to the Markdown of it.
HOSTILE = {
    "tags without an end": ("", "<a "),
    "quotes without an end": ("", "<a x='"),
    "comments without an end": ("", "<!-- "),
    "sections without an end": ("", "<![CDATA["),
    "spaces": ("<p>x", " "),
    "spaces that are kept": ("<pre>x", " "),
    "images side by side": ("", "<img>"),
    "breaks and ends of others": ("<br>" * 40_000, "</p>"),
    "headings in headings": ("", "<h1>"),
    "forms around one page": ("", "<form>"),
    "attributes": ("<p ", "a "),
    "quotations in quotations": ("<blockquote>" * 200, "a\n"),
    "lists in lists": ("<ul><li>" * 60, "a\n"),
    "cells as wide as many": ("<table><tr>", "<td colspan=1000>x</td>"),
}


def refusal(html: str) -> DownloadError:
    with pytest.raises(DownloadError) as refused:
        read_any_page(html)
    return refused.value


@pytest.mark.parametrize("what", HOSTILE)
def test_a_page_that_would_take_all_time_or_memory_is_given_up(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_process, "_CPU_SECONDS", 1)
    error = refusal(filled(*HOSTILE[what], 5_000_000) + "<main>x")
    assert error.failure is DownloadFailure.TOO_LARGE
    assert "more than 1 seconds" in str(error)


def test_a_page_past_the_memory_alone_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_process, "_MEMORY_BYTES", 80_000_000)
    error = refusal("<html><p>" + "words " * 1_500_000)
    assert error.failure is DownloadFailure.TOO_LARGE
    assert "too much memory" in str(error)


def test_markdown_that_outgrows_its_page_is_too_large() -> None:
    error = refusal("<blockquote>" * 100 + "a\n" * 2000)
    assert error.failure is DownloadFailure.TOO_LARGE
    assert "whose Markdown has" in str(error)


HONEST = "<p>A <b>quick</b> f\u00f6x \U0001f98a<img alt='of it'> jumps <a href='/x'>over</a>.</p>\n"


def test_an_honest_page_is_read_as_it_would_be_here() -> None:
    html = f"<html><title>T</title><ul>{'<li>x</li>' * 200}</ul>{HONEST * 1000}"
    assert read_any_page(html) == read_page(html)


def test_an_honest_page_of_many_megabytes_is_read() -> None:
    page = read_any_page("<html><p>" + "The quick brown fox. " * 300_000)
    assert page.characters == 21 * 300_000 - 1


def test_what_is_wrong_with_a_page_is_said_as_it_would_be_here() -> None:
    for html in (f"<html>&#{'1' * 5000};", "<b>" * (MAX_TAGS + 1)):
        with pytest.raises(DownloadError) as here:
            read_page(html)
        there = refusal(html)
        assert (there.failure, str(there)) == (here.value.failure, str(here.value))


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[page_process._Reading]:
    """What reads pages, with no process yet."""
    fresh = page_process._Reading()
    monkeypatch.setattr(page_process, "_reading", fresh)
    yield fresh
    if fresh._server:
        fresh._server.end()


def test_a_process_that_cannot_start_is_no_fault_of_the_page(
    reading: page_process._Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "false")
        with pytest.raises(subprocess.CalledProcessError):
            read_any_page(HONEST)
    assert read_any_page(HONEST) == read_page(HONEST)


def test_a_process_that_has_ended_is_no_fault_of_the_page(reading: page_process._Reading) -> None:
    read_any_page(HONEST)
    assert reading._server
    reading._server._process.kill()
    with pytest.raises(subprocess.CalledProcessError):
        read_any_page(HONEST * 1000)
    assert read_any_page(HONEST) == read_page(HONEST)


def test_an_answer_that_nobody_waited_for_is_not_the_next_page_s(
    reading: page_process._Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_any_page(HONEST)
    assert reading._server
    with monkeypatch.context() as patch:
        patch.setattr(reading._server._stream, "read", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            read_any_page("<p>of no interest</p>")
    assert read_any_page(HONEST) == read_page(HONEST)


def test_pages_are_read_one_at_a_time_by_copies_of_one_process(
    reading: page_process._Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = page_process._Server.ask
    at_once: list[tuple[int, int]] = []
    asking = threading.Semaphore(0)

    def spy(server: page_process._Server, html: bytes) -> tuple[int, bytes]:
        asking.release()
        at_once.append((server._process.pid, asking._value))
        try:
            return ask(server, html)
        finally:
            asking.acquire()

    monkeypatch.setattr(page_process._Server, "ask", spy)
    with ThreadPoolExecutor(4) as threads:
        pages = list(threads.map(read_any_page, [HONEST * 200] * 4))
    assert reading._server
    assert at_once == [(reading._server._process.pid, 1)] * 4
    assert len({page.markdown for page in pages}) == 1


def test_a_page_that_is_given_up_costs_no_other_page_its_process(
    reading: page_process._Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_any_page(HONEST)
    server = reading._server
    monkeypatch.setattr(page_process, "_MEMORY_BYTES", 10_000_000)
    assert refusal(HONEST * 1000).failure is DownloadFailure.TOO_LARGE
    assert reading._server is server
