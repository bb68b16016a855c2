"""The sample web offers documents that the ingest takes, and pages that go wrong as they should."""

import http.client
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from functions.clients.web import DownloadLimits, download
from functions.errors import DownloadError, DownloadFailure
from functions.ingest.documents import to_document
from local import sample_web
from local.sample_web import DOCUMENTS, SampleWeb

LIMITS = DownloadLimits(max_bytes=1_000_000, timeout_seconds=5, allow_loopback=True)
FILES = Path(sample_web.__file__).with_name("sample_documents")


@pytest.fixture(scope="module")
def web() -> Iterator[SampleWeb]:
    with SampleWeb() as running:
        yield running


@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_ingest_takes_every_document(web: SampleWeb, path: str) -> None:
    fetched = download(web.url(path), LIMITS)
    assert fetched.body == (FILES / DOCUMENTS[path].file).read_bytes()
    assert fetched.content_type == DOCUMENTS[path].content_type
    document = to_document(fetched, min_characters=200)
    suffix = PurePosixPath(DOCUMENTS[path].file).suffix
    assert document.extension == {".html": ".md"}.get(suffix, suffix)


def test_there_are_at_least_eight_documents_in_four_formats() -> None:
    formats = Counter(document.content_type.partition(";")[0] for document in DOCUMENTS.values())
    assert formats.total() >= 8
    assert set(formats) == {"text/html", "application/pdf", "text/markdown", "text/plain"}


def test_every_file_is_a_document_of_the_web() -> None:
    assert {file.name for file in FILES.iterdir()} == {each.file for each in DOCUMENTS.values()}


def test_a_query_string_changes_nothing(web: SampleWeb) -> None:
    fetched = download(web.url("/newsroom/article-7?utm_source=feed&id=7"), LIMITS)
    assert b"<h1>A service contract" in fetched.body


def test_the_noise_of_a_page_is_not_in_its_document(web: SampleWeb) -> None:
    fetched = download(web.url("/news/second-line.html"), LIMITS)
    text = to_document(fetched, min_characters=200).body.decode()
    assert text.startswith("# Brückmoor Antriebe opens")
    assert not re.search("Careers|dataLayer|Subscribe|Imprint", text)


def test_the_latest_results_are_behind_two_redirects(web: SampleWeb) -> None:
    fetched = download(web.url("/latest-results"), LIMITS)
    assert fetched.url == web.url("/press/third-quarter.txt")
    assert len(sample_web.REDIRECTS) == 2


@pytest.mark.parametrize(
    ("path", "failure"),
    [
        ("/news/withdrawn.html", DownloadFailure.HTTP_STATUS),
        (sample_web.ENDLESS, DownloadFailure.TOO_LARGE),
        (sample_web.CONSENT_WALL, DownloadFailure.TOO_LITTLE_TEXT),
    ],
)
def test_a_page_goes_wrong(web: SampleWeb, path: str, failure: DownloadFailure) -> None:
    with pytest.raises(DownloadError) as caught:
        to_document(download(web.url(path), LIMITS), min_characters=200)
    assert caught.value.failure == failure


def test_a_page_never_answers(web: SampleWeb) -> None:
    limits = DownloadLimits(max_bytes=1_000_000, timeout_seconds=0.3, allow_loopback=True)
    with pytest.raises(DownloadError) as caught:
        download(web.url(sample_web.NEVER_ANSWERS), limits)
    assert caught.value.failure == DownloadFailure.TIMEOUT


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if p.endswith(".pdf")])
def test_a_pdf_is_whole(path: str) -> None:
    content = (FILES / DOCUMENTS[path].file).read_bytes()
    assert content.startswith(b"%PDF-1.4")
    assert content.rstrip().endswith(b"%%EOF")
    table = int(re.search(rb"startxref\n(\d+)", content)[1])  # type: ignore[index]
    offsets = re.findall(rb"(\d{10}) 00000 n ", content[table:])
    assert len(offsets) > 5
    for number, offset in enumerate(offsets, start=1):
        assert content[int(offset) :].startswith(b"%d 0 obj" % number)


def test_a_burst_of_connections_is_taken(web: SampleWeb) -> None:
    address = (sample_web.HOST, int(web.base_url.rpartition(":")[2]))
    connections = [socket.create_connection(address, timeout=0.5) for _ in range(40)]
    for connection in connections:
        connection.close()


def test_stopping_ends_whoever_waits_for_an_answer_or_for_a_request(
    eventually: Callable[..., Any],
) -> None:
    web = SampleWeb().start()
    before = set(threading.enumerate())
    address = (sample_web.HOST, int(web.base_url.rpartition(":")[2]))
    waiting = http.client.HTTPConnection(*address, timeout=10)
    waiting.request("GET", sample_web.NEVER_ANSWERS)
    silent = socket.create_connection(address, timeout=10)
    deaf = socket.create_connection(address, timeout=10)
    deaf.sendall(f"GET {sample_web.ENDLESS} HTTP/1.0\r\n\r\n".encode())
    eventually(lambda: len(set(threading.enumerate()) - before) >= 3)  # each connection has one
    began = time.monotonic()
    web.stop()
    assert time.monotonic() - began < 2
    with pytest.raises(http.client.RemoteDisconnected):
        waiting.getresponse()
    waiting.close()
    silent.close()
    deaf.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)
    web.stop()


def test_its_address_is_unknown_until_it_runs() -> None:
    with pytest.raises(RuntimeError, match=r"call start\(\) first"):
        _ = SampleWeb().base_url
