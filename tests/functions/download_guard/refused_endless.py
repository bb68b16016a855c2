"""What servers send that never ends, fast or slow."""

import itertools

from functions.errors import DownloadFailure
from tests.functions.clients.web_server import DEADLINE, Exchange, Respond
from tests.functions.download_guard.cases import Refused, Row
from tests.functions.download_guard.refused_answers import BAD, CHUNKED, LARGE, OK, packed

TIMEOUT = DownloadFailure.TIMEOUT
TOO_MUCH, OVERFULL = "more than 1000 bytes", "Receive buffer too long"
LATE = f"not finished within {DEADLINE:g} seconds"


def pour(head: bytes, piece: bytes) -> Respond:
    """Sends the head, and the piece for ever."""

    def respond(exchange: Exchange) -> None:
        exchange.send(head)
        while not exchange.stopped.is_set():
            exchange.send(piece)

    return respond


def drip(head: bytes, piece: bytes) -> Respond:
    """Sends the head, and the piece every 50 ms."""

    def respond(exchange: Exchange) -> None:
        exchange.send(head)
        exchange.drip(itertools.repeat(piece))

    return respond


def hold(head: bytes) -> Respond:
    """Sends the head and no more, and keeps the connection."""

    def respond(exchange: Exchange) -> None:
        exchange.send(head)
        exchange.stopped.wait(5)

    return respond


ENDLESS: list[Row] = [
    ("a body without a length", pour(OK + b"\r\n", b"x" * 65536), LARGE, TOO_MUCH),
    ("chunks", pour(CHUNKED, b"ffff\r\n" + b"x" * 65535 + b"\r\n"), LARGE, TOO_MUCH),
    ("chunks of a byte", pour(CHUNKED, b"1\r\nx\r\n" * 9999), LARGE, TOO_MUCH),
    ("one chunk", pour(CHUNKED + b"fffffffffffffff\r\n", b"x" * 65536), LARGE, TOO_MUCH),
    ("the size of a chunk", pour(CHUNKED, b"0" * 65536), BAD, OVERFULL),
    ("a chunk's extension", pour(CHUNKED + b"5;", b"x" * 65536), BAD, OVERFULL),
    ("trailers", pour(CHUNKED + b"0\r\n", b"X: x\r\n" * 9999), BAD, OVERFULL),
    ("headers", pour(OK, b"X: x\r\n" * 9999), BAD, OVERFULL),
    ("a header", pour(OK + b"X: ", b"x" * 65536), BAD, OVERFULL),
    ("a status line", pour(b"HTTP/1.1 200 ", b"x" * 65536), BAD, OVERFULL),
    ("empty lines before the status", pour(b"", b"\r\n" * 9999), BAD, "no response line"),
    ("a page of HTTP/0.9", pour(b"<html>", b"x" * 65536), BAD, OVERFULL),
]
UNENDING: list[Row] = [
    ("early hints", pour(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100), TIMEOUT, LATE),
    ("continue", pour(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), TIMEOUT, LATE),
    (
        "empty compressed members",
        drip(OK + b"Content-Encoding: gzip\r\n\r\n", packed(b"")),
        TIMEOUT,
        LATE,
    ),
    ("a dripped body", drip(OK + b"Content-Length: 9999\r\n\r\n", b"x"), TIMEOUT, LATE),
    ("a dripped body without a length", drip(OK + b"\r\n", b"x"), TIMEOUT, LATE),
    ("dripped chunks", drip(CHUNKED, b"1\r\nx\r\n"), TIMEOUT, LATE),
    ("dripped headers", drip(OK, b"X: x\r\n"), TIMEOUT, LATE),
    ("a dripped header", drip(OK + b"X: ", b"x"), TIMEOUT, LATE),
    ("a dripped status line", drip(b"HTTP/1.1 200 ", b"x"), TIMEOUT, LATE),
    ("silence", hold(b""), TIMEOUT, LATE),
    ("silence after the headers", hold(OK + b"Content-Length: 5\r\n\r\n"), TIMEOUT, LATE),
    ("silence after half a body", hold(OK + b"Content-Length: 9\r\n\r\nhello"), TIMEOUT, LATE),
    ("a missing last chunk", hold(CHUNKED + b"5\r\nhello\r\n"), TIMEOUT, LATE),
]

CASES = [
    *(
        Refused(
            f"endless: {what}",
            "http://public.test/",
            failure,
            detail,
            answer,
            limits={"max_bytes": 1000},
        )
        for what, answer, failure, detail in ENDLESS
    ),
    *(
        Refused(
            f"unending: {what}",
            "https://public.test/",
            failure,
            detail,
            answer,
            limits={"timeout_seconds": DEADLINE},
        )
        for what, answer, failure, detail in UNENDING
    ),
]
