"""What the tables of the download guard consist of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.errors import DownloadFailure
from tests.functions.clients.web_server import Respond, reply
from tests.functions.download_guard.internet import Answers

URL = DownloadFailure.REFUSED_URL
ADDRESS = DownloadFailure.REFUSED_ADDRESS

HELLO = reply(body=b"hello")

Row = tuple[str, bytes | Respond, DownloadFailure, str]  # of a table of what servers send


@dataclass(frozen=True)
class Refused:
    """A download that must fail for this reason."""

    what: str
    url: str
    failure: DownloadFailure
    detail: str  # a part of it
    answer: bytes | Respond = HELLO  # of whatever address is reached
    names: Answers = field(default_factory=dict)
    limits: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Legitimate:
    """A download that must come back with ``hello``."""

    what: str
    url: str
    asked_for: str = "/"  # the last request's target
    host: str = "public.test"  # the last request's Host header
    answers: Mapping[str, bytes] = field(default_factory=dict)  # of other targets than the last
    answer: bytes = HELLO
    names: Answers = field(default_factory=dict)


def what(case: Refused | Legitimate) -> str:
    """The case's name in the tests' output."""
    return case.what
