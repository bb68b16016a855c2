"""Pages that are made to be slow or large: each is given up, and honest ones are not."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.errors import DownloadError, DownloadFailure
from functions.ingest import page_process
from functions.ingest.page_process import read_any_page
from functions.ingest.pages import MAX_TAGS, read_page

SHORT = 10_000  # characters: a longer page is read in a process of its own


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
# The slowest of them while they are short.
SLOW_WHEN_SHORT = ("tags without an end", "spaces", "headings in headings", "forms around one page")


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


@pytest.mark.parametrize("what", SLOW_WHEN_SHORT)
def test_a_short_page_takes_less_than_any_page_may(what: str) -> None:
    html = filled(*HOSTILE[what], SHORT - 20) + "<main>x"
    assert len(html) <= SHORT
    began = time.thread_time()
    assert len(read_any_page(html).markdown) < 2 * SHORT
    assert time.thread_time() - began < page_process._CPU_SECONDS


def test_markdown_that_outgrows_its_page_is_too_large() -> None:
    error = refusal("<blockquote>" * 100 + "a\n" * 2000)
    assert error.failure is DownloadFailure.TOO_LARGE
    assert "whose Markdown has" in str(error)


HONEST = "<p>A <b>quick</b> f\u00f6x \U0001f98a<img alt='of it'> jumps <a href='/x'>over</a>.</p>\n"


def test_an_honest_page_that_is_large_is_read_as_a_short_one_is() -> None:
    html = f"<html><title>T</title><ul>{'<li>x</li>' * 200}</ul>{HONEST * 1000}"
    assert len(html) > 5 * SHORT
    assert read_any_page(html) == read_page(html)


def test_an_honest_page_of_many_megabytes_is_read() -> None:
    page = read_any_page("<html><p>" + "The quick brown fox. " * 300_000)
    assert page.characters == 21 * 300_000 - 1


def test_what_is_wrong_with_a_long_page_is_said_as_of_a_short_one() -> None:
    for html in (f"<html>&#{'1' * 5000};", "<b>" * (MAX_TAGS + 1)):
        with pytest.raises(DownloadError) as short:
            read_page(html + "x" * SHORT)
        long = refusal(html + "x" * SHORT)
        assert (long.failure, str(long)) == (short.value.failure, str(short.value))


def test_a_process_that_cannot_start_is_no_fault_of_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(subprocess.CalledProcessError):
        read_any_page("<html>" + "x" * SHORT)


def test_long_pages_are_read_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    run: Callable[..., subprocess.CompletedProcess[bytes]] = subprocess.run
    at_once: list[int] = []
    running = threading.Semaphore(0)

    def spy(*args: object, **options: object) -> subprocess.CompletedProcess[bytes]:
        running.release()
        at_once.append(running._value)
        try:
            return run(*args, **options)
        finally:
            running.acquire()

    monkeypatch.setattr(subprocess, "run", spy)
    with ThreadPoolExecutor(4) as threads:
        pages = list(threads.map(read_any_page, [HONEST * 200] * 4))
    assert at_once == [1] * 4
    assert len({page.markdown for page in pages}) == 1
